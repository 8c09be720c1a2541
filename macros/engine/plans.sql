{#- What an engine has to be told to plan well. -#}

{#- A predicate that holds always, for a CTE of many uses that is not to be computed for each. -#}
{% macro computed_once() -%}
    {{ return(adapter.dispatch('computed_once')()) }}
{%- endmacro %}

{% macro duckdb__computed_once() -%}
    true
{%- endmacro %}

{#- Spark puts a CTE's text in the place of each use, unless it cannot say what comes out. -#}
{% macro spark__computed_once() -%}
    rand() >= 0
{%- endmacro %}
