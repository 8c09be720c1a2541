{#- Reading JSON. -#}

{#- The scalar at a path such as `$.features.country` of JSON text, as text; null for null. -#}
{% macro json_value(json, path) -%}
    {{ return(adapter.dispatch('json_value')(json, path)) }}
{%- endmacro %}

{% macro duckdb__json_value(json, path) -%}
    json_extract_string({{ json }}, '{{ path }}')
{%- endmacro %}

{#- Spark names it otherwise. -#}
{% macro spark__json_value(json, path) -%}
    get_json_object({{ json }}, '{{ path }}')
{%- endmacro %}
