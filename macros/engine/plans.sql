{#- What an engine has to be told to plan well. -#}

{#- Always true; stops Spark from computing a CTE again for each use. -#}
{% macro computed_once() -%}
    {{ return(adapter.dispatch('computed_once', 'offer_ai')()) }}
{%- endmacro %}

{% macro duckdb__computed_once() -%}
    true
{%- endmacro %}

{#- Spark puts a CTE's text in the place of each use, unless it cannot say what comes out. -#}
{% macro spark__computed_once() -%}
    rand() >= 0
{%- endmacro %}

{#- A hint, after `select`, that a relation it joins is small beside the others. -#}
{% macro is_small(relation) -%}
    {{ return(adapter.dispatch('is_small', 'offer_ai')(relation)) }}
{%- endmacro %}

{#- DuckDB counts for itself. -#}
{% macro duckdb__is_small(relation) -%}{%- endmacro %}

{#- Spark would send every row of the large one over the network, too. -#}
{% macro spark__is_small(relation) -%}
    /*+ broadcast({{ relation }}) */
{%- endmacro %}
