{#- Window functions that the engines spell differently. -#}

{#- The last value that is not null, for use before `over`. -#}
{% macro last_known(value) -%}
    {{ return(adapter.dispatch('last_known', 'offer_ai')(value)) }}
{%- endmacro %}

{% macro duckdb__last_known(value) -%}
    last_value({{ value }} ignore nulls)
{%- endmacro %}

{#- Spark takes `ignore nulls` as an argument. -#}
{% macro spark__last_known(value) -%}
    last({{ value }}, true)
{%- endmacro %}
