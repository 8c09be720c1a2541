{#- Row fingerprints, expansion and packing. -#}

{#-
A 64-bit fingerprint of the columns: equal rows have equal ones, and the rare
collision is settled by comparing the rows.
-#}
{% macro row_fingerprint(columns) -%}
    {{ return(adapter.dispatch('row_fingerprint')(columns)) }}
{%- endmacro %}

{% macro duckdb__row_fingerprint(columns) -%}
    hash({{ columns | join(', ') }})
{%- endmacro %}

{#-
Aggregates rows to one JSON array of objects, ordered by `order_by`. `fields`
is a dict of key to SQL expression; make text of what JSON numbers cannot hold.
-#}
{% macro json_rows(fields, order_by) -%}
    {{ return(adapter.dispatch('json_rows')(fields, order_by)) }}
{%- endmacro %}

{% macro duckdb__json_rows(fields, order_by) -%}
    cast(to_json(list({
        {%- for key, value in fields.items() %}'{{ key }}': {{ value }}{{ ', ' if not loop.last }}
        {%- endfor -%}
    } order by {{ order_by | join(', ') }})) as varchar)
{%- endmacro %}

{#- Whether text is one valid JSON object. -#}
{% macro is_json_object(value) -%}
    {{ return(adapter.dispatch('is_json_object')(value)) }}
{%- endmacro %}

{% macro duckdb__is_json_object(value) -%}
    coalesce(case when json_valid({{ value }}) then json_type({{ value }}) = 'OBJECT' end, false)
{%- endmacro %}
