{#- How rows get from a model into its stored table, and what the table holds to. -#}

{#-
What an incremental model is about to append is a view: its rows are written once, in
their table, and not in a temporary table first.
-#}
{% macro duckdb__create_table_as(
    temporary, relation, compiled_code, language='sql', partitioned_by=none, sorted_by=none
) -%}
    {%- if temporary and config.get('incremental_strategy') == 'append' -%}
        create temporary view {{ relation.include(database=false, schema=false) }} as (
            {{ compiled_code }}
        )
    {%- else -%}
        {{ dbt.duckdb__create_table_as(
            temporary, relation, compiled_code, language, partitioned_by, sorted_by) }}
    {%- endif -%}
{%- endmacro %}

{#- Parquet holds no constraints; a contract's names and types are checked all the same. -#}
{% macro spark__persist_constraints(relation, model) %}{% endmacro %}
