{#- Reading JSON. -#}

{#- The scalar at a path such as `$.features.country` of JSON text, as text; null for null. -#}
{% macro json_value(json, path) -%}
    {{ return(adapter.dispatch('json_value', 'offer_ai')(json, path)) }}
{%- endmacro %}

{% macro duckdb__json_value(json, path) -%}
    json_extract_string({{ json }}, '{{ path }}')
{%- endmacro %}

{#- Spark names it otherwise. -#}
{% macro spark__json_value(json, path) -%}
    get_json_object({{ json }}, '{{ path }}')
{%- endmacro %}

{#-
JSON text as a struct whose leaves are text, null where it is no JSON object; it is parsed
once, however many fields are read. `fields` maps a name to none, or to the fields below it;
a leaf that is no scalar is its JSON text.
-#}
{% macro json_struct(json, fields) -%}
    {{ return(adapter.dispatch('json_struct', 'offer_ai')(json, fields)) }}
{%- endmacro %}

{#- DuckDB stops at text that is no JSON. -#}
{% macro duckdb__json_struct(json, fields) -%}
    case when {{ is_json_object(json) }}
        then from_json({{ json }}, '{{ json_shape(fields) }}') end
{%- endmacro %}

{% macro spark__json_struct(json, fields) -%}
    from_json({{ json }}, '{{ json_shape(fields) }}')
{%- endmacro %}

{#- A JSON array of objects as an array of such structs, to be made rows of. -#}
{% macro json_struct_rows(json, fields) -%}
    {{ return(adapter.dispatch('json_struct_rows', 'offer_ai')(json, fields)) }}
{%- endmacro %}

{% macro duckdb__json_struct_rows(json, fields) -%}
    unnest(case when json_valid({{ json }})
        then from_json({{ json }}, '[{{ json_shape(fields) }}]') end)
{%- endmacro %}

{#- Spark names it otherwise. -#}
{% macro spark__json_struct_rows(json, fields) -%}
    explode(from_json({{ json }}, 'array<{{ json_shape(fields) }}>'))
{%- endmacro %}

{#- Fields as the engine's description of a struct of text. -#}
{% macro json_shape(fields) -%}
    {{ return(adapter.dispatch('json_shape', 'offer_ai')(fields)) }}
{%- endmacro %}

{% macro duckdb__json_shape(fields) -%}
    {
    {%- for name, below in fields.items() -%}
        "{{ name }}": {% if below is none %}"VARCHAR"{% else %}{{ json_shape(below) }}{% endif %}
        {%- if not loop.last %}, {% endif %}
    {%- endfor -%}
    }
{%- endmacro %}

{#- Spark has a grammar of types of its own. -#}
{% macro spark__json_shape(fields) -%}
    struct<
    {%- for name, below in fields.items() -%}
        {{ name }}: {% if below is none %}string{% else %}{{ json_shape(below) }}{% endif %}
        {%- if not loop.last %}, {% endif %}
    {%- endfor -%}
    >
{%- endmacro %}
