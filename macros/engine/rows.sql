{#- Row fingerprints, expansion and packing. -#}

{#-
A fingerprint of the columns, a bigint of so many bits (at most 63): equal rows have
equal ones, and the rare collision is settled by comparing the rows.
-#}
{% macro fingerprint(columns, bits=63) -%}
    {{ return(adapter.dispatch('fingerprint', 'offer_ai')(columns, bits)) }}
{%- endmacro %}

{% macro duckdb__fingerprint(columns, bits) -%}
    cast(hash({{ columns | join(', ') }}) >> {{ 64 - bits }} as bigint)
{%- endmacro %}

{#- Spark has another hash; fingerprints are compared on one engine only. -#}
{% macro spark__fingerprint(columns, bits) -%}
    shiftrightunsigned(xxhash64({{ columns | join(', ') }}), {{ 64 - bits }})
{%- endmacro %}

{#- A fingerprint of a whole row, by the name of its relation; sorted by, it gives equal times an order. -#}
{% macro row_fingerprint(relation) -%}
    {{ return(adapter.dispatch('row_fingerprint', 'offer_ai')(relation)) }}
{%- endmacro %}

{% macro duckdb__row_fingerprint(relation) -%}
    hash({{ relation }})
{%- endmacro %}

{#- In Spark a relation's name is no value. -#}
{% macro spark__row_fingerprint(relation) -%}
    xxhash64({{ relation }}.*)
{%- endmacro %}

{#- Whether keys that are stored can be computed again in place when the engine's hash changes. -#}
{% macro can_rekey() -%}
    {{ return(adapter.dispatch('can_rekey', 'offer_ai')()) }}
{%- endmacro %}

{% macro duckdb__can_rekey() -%}{{ return(true) }}{%- endmacro %}

{#- Parquet has no update: what has landed is read again. -#}
{% macro spark__can_rekey() -%}{{ return(false) }}{%- endmacro %}

{#-
Aggregates rows to one JSON array of arrays, ordered by `order_by`. `values` are SQL
expressions; make text of what JSON numbers cannot hold.
-#}
{% macro json_rows(values, order_by) -%}
    {{ return(adapter.dispatch('json_rows', 'offer_ai')(values, order_by)) }}
{%- endmacro %}

{% macro duckdb__json_rows(values, order_by) -%}
    cast(to_json(list(json_array({{ values | join(', ') }})
        order by {{ order_by | join(', ') }})) as varchar)
{%- endmacro %}

{#- Spark has no arrays of mixed types: each value becomes JSON by itself. -#}
{% macro spark__json_rows(values, order_by) -%}
    concat('[', array_join(transform(array_sort(collect_list(struct(
        {%- for column in order_by %}
        {{ column }} is null, {{ column }},
        {%- endfor %}
        concat(
            '[',
            {%- for value in values %}
            regexp_extract(to_json(array({{ value }})), '(?s)^.(.*).$', 1),
            {%- if not loop.last %} ',', {%- endif %}
            {%- endfor %}
            ']'
        ) as json_text
    ))), entry -> entry.json_text), ','), ']')
{%- endmacro %}

{#- Whether text is one valid JSON object. -#}
{% macro is_json_object(value) -%}
    {{ return(adapter.dispatch('is_json_object', 'offer_ai')(value)) }}
{%- endmacro %}

{% macro duckdb__is_json_object(value) -%}
    coalesce(case when json_valid({{ value }}) then json_type({{ value }}) = 'OBJECT' end, false)
{%- endmacro %}

{#- Spark has no `json_valid`; only an object has keys. -#}
{% macro spark__is_json_object(value) -%}
    coalesce(json_object_keys({{ value }}) is not null and {{ is_one_json(value) }}, false)
{%- endmacro %}

{#-
Spark: whether text is one value of JSON, which Spark reads whatever follows it: before a zero it
alone makes an array of two.
-#}
{% macro is_one_json(value) -%}
    coalesce(size(from_json(
        concat('[', {{ value }}, ',0]'), 'array<string>', map('allowSingleQuotes', 'false')
    )) = 2, false)
{%- endmacro %}

{#-
The few rows of a stored table that `where` (SQL) holds for and whose `key` is among
those of `keys`, a relation with a column of that name.
-#}
{% macro rows_with_keys(table, key, keys, where) -%}
    {{ return(adapter.dispatch('rows_with_keys', 'offer_ai')(table, key, keys, where)) }}
{%- endmacro %}

{#- By row id: few scattered rows in a scan have every column of the table unpacked. -#}
{% macro duckdb__rows_with_keys(table, key, keys, where) -%}
    {#- Under --empty a ref is a query, which has no row ids. -#}
    {%- if flags.EMPTY %}{{ return(table) }}{% endif -%}
    (
        select * from {{ table }}
        where rowid in (
            select rowid from {{ table }}
            where {{ where }} and {{ key }} in (select {{ key }} from {{ keys }})
        )
    )
{%- endmacro %}

{#- Spark reads the columns it needs, and has no row ids. -#}
{% macro spark__rows_with_keys(table, key, keys, where) -%}
    (
        select * from {{ table }}
        where {{ where }} and {{ key }} in (select {{ key }} from {{ keys }})
    )
{%- endmacro %}
