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
Aggregates rows to one JSON array of arrays, ordered by `order_by`. `values` are SQL
expressions; make text of what JSON numbers cannot hold.
-#}
{% macro json_rows(values, order_by) -%}
    {{ return(adapter.dispatch('json_rows')(values, order_by)) }}
{%- endmacro %}

{% macro duckdb__json_rows(values, order_by) -%}
    cast(to_json(list(json_array({{ values | join(', ') }})
        order by {{ order_by | join(', ') }})) as varchar)
{%- endmacro %}

{#- Whether text is one valid JSON object. -#}
{% macro is_json_object(value) -%}
    {{ return(adapter.dispatch('is_json_object')(value)) }}
{%- endmacro %}

{% macro duckdb__is_json_object(value) -%}
    coalesce(case when json_valid({{ value }}) then json_type({{ value }}) = 'OBJECT' end, false)
{%- endmacro %}

{#-
The few rows of a stored table that `where` (SQL) holds for and whose `key` is among
those of `keys`, a relation with a column of that name.
-#}
{% macro rows_with_keys(table, key, keys, where) -%}
    {{ return(adapter.dispatch('rows_with_keys')(table, key, keys, where)) }}
{%- endmacro %}

{#- By row id: few scattered rows in a scan have every column of the table unpacked. -#}
{% macro duckdb__rows_with_keys(table, key, keys, where) -%}
    (
        select * from {{ table }}
        where rowid in (
            select rowid from {{ table }}
            where {{ where }} and {{ key }} in (select {{ key }} from {{ keys }})
        )
    )
{%- endmacro %}
