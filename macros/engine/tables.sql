{#- How rows get from a model into its stored table, and what the table holds to. -#}

{#-
What a delta adds goes straight into its table, whose columns the query must have, all of
them and no others: dbt's own way looks at both relations first, which for so many small
models is a sixth of a batch. Everything else is dbt's own.
-#}
{% materialization incremental, adapter='duckdb' %}
    {%- if not is_incremental() -%}
        {{ return(dbt.materialization_incremental_duckdb()) }}
    {%- endif -%}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- call statement('main') %}
        insert into {{ this }} by name (
            select * replace (
                {%- for column in adapter.get_columns_in_relation(this) %}
                {{ column.quoted }} as {{ column.quoted }}{{ ',' if not loop.last }}
                {%- endfor %}
            ) from (
                {{ compiled_code }}
            ) as delta
        )
    {%- endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() %}
    {{ return({'relations': [this]}) }}
{% endmaterialization %}

{#- Parquet holds no constraints; a contract's names and types are checked all the same. -#}
{% macro spark__persist_constraints(relation, model) %}{% endmacro %}
