{#- How what a model says becomes a table or a view, and what the table holds to. -#}

{#-
What a delta adds goes straight into its table, whose columns the query must have, all of
them and no others: dbt's own way looks at both relations first, which for so many small
models is a sixth of a batch. Making the table is dbt's own.
-#}
{% materialization incremental, adapter='duckdb' %}
    {%- if not is_incremental() -%}
        {{ return(dbt.materialization_incremental_duckdb()) }}
    {%- endif -%}
    {%- do refuse_other_deltas() -%}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- call statement('main') %}
        insert into {{ this }} by name (
            select * replace (
                {#- Asked of the table: the catalogue is a macro and a scan of all columns away. -#}
                {%- for column in adapter.get_column_schema_from_query('select * from ' ~ this ~ ' limit 0') %}
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

{#- A delta appends and fails on other columns; what else dbt could be told of one is not passed over. -#}
{% macro refuse_other_deltas() -%}
    {%- if config.get('incremental_strategy') != 'append'
        or config.get('on_schema_change') != 'fail'
        or config.get('grants') or config.get('persist_docs') -%}
        {{ exceptions.raise_compiler_error(
            this ~ ": a delta here knows `incremental_strategy: append` and `on_schema_change: "
            ~ "fail` alone, and no grants or persist_docs") }}
    {%- endif -%}
{%- endmacro %}

{#-
Spark: a delta goes straight into its table, too; dbt's own way lays a view over the query first, and
Spark thinks both through. And dbt drops a table before it makes it anew: what has landed is made
beside it instead, from what is in it, as of files that are gone no more is left.
-#}
{% materialization incremental, adapter='spark' %}
    {%- set is_kept = config.get('meta', {}).get('is_landing') and should_full_refresh()
        and load_relation(this) is not none -%}
    {%- if is_incremental() -%}
        {%- do refuse_other_deltas() -%}
    {%- elif not is_kept -%}
        {{ return(dbt.materialization_incremental_spark()) }}
    {%- endif -%}
    {%- set anew = beside(this, 'anew') -%}
    {{ run_hooks(pre_hooks) }}
    {%- call statement('main') %}
        {%- if is_kept %}
        create table {{ anew }} using parquet as {{ with_day(compiled_code) }}
        {%- else %}
        {%- set columns = adapter.get_columns_in_relation(this) | map(attribute='quoted') | join(', ') %}
        {#- A column that a delta has not would be null by name alone. #}
        insert into {{ this }} by name
        select {{ columns }}, * except ({{ columns }}) from (
            {{ with_day(compiled_code) }}
        ) as delta
        {%- endif %}
    {%- endcall %}
    {%- if is_kept -%}
        {%- do take_place(this, anew) -%}
    {%- endif -%}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [this.incorporate(type='table')]}) }}
{% endmaterialization %}

{#-
A view takes the place of the one before in one statement: dbt's own way, which makes it beside
that and renames both, is for so many views a quarter of a batch. What takes the place of a
table, or is to have more than a view has, is dbt's own.
-#}
{% materialization view, adapter='duckdb' %}
    {%- set standing = load_cached_relation(this) -%}
    {%- if (standing is not none and standing.type != 'view')
        or pre_hooks or post_hooks or config.get('sql_header')
        or config.get('grants') or config.get('persist_docs') -%}
        {{ return(dbt.materialization_view_default()) }}
    {%- endif -%}
    {%- call statement('main') -%}
        {%- if config.get('contract').enforced -%}
            {{ get_assert_columns_equivalent(sql) }}
        {%- endif %}
        create or replace view {{ this }} as (
            {{ sql }}
        )
    {%- endcall %}
    {%- do adapter.commit() %}
    {{ return({'relations': [this.incorporate(type='view')]}) }}
{% endmaterialization %}

{#-
The rows that a build takes of a table, held as they were when it looked; where they cannot change
under it they are seen where they lie: a copy costs as much as half of their landing.
-#}
{% materialization rows_to_land, adapter='duckdb' %}
    {%- if are_rows_at_hand() -%}
        {{ return(offer_ai.materialization_view_duckdb()) }}
    {%- endif -%}
    {{ return(dbt.materialization_table_duckdb()) }}
{% endmaterialization %}

{% materialization rows_to_land, adapter='spark' %}
    {{ return(dbt.materialization_table_spark()) }}
{% endmaterialization %}

{#-
The column whose day a stored table is partitioned by, where an engine keeps partitions:
`day_of` in the model's meta; none for none.
-#}
{% macro day_of(relation) -%}
    {#- A unit test knows no graph. -#}
    {%- for node in graph.get('nodes', {}).values() if node.resource_type == 'model'
        and node.schema == relation.schema and node.alias == relation.identifier -%}
        {{ return(node.config.meta.get('day_of')) }}
    {%- endfor -%}
    {{ return(none) }}
{%- endmacro %}

{#-
Spark keeps the rows of a day in files of their own, under a column more, partition_day;
a row without a time lies under 1970.
-#}
{% macro spark__create_table_as(temporary, relation, compiled_code, language='sql') -%}
    {%- if day_of(this) is none -%}
        {{ dbt.spark__create_table_as(temporary, relation, compiled_code, language) }}
    {%- else -%}
        {%- if config.get('contract').enforced -%}
            {{ get_assert_columns_equivalent(compiled_code) }}
        {%- endif -%}
        create table {{ relation }} using parquet partitioned by (partition_day) as {{ with_day(compiled_code) }}
    {%- endif -%}
{%- endmacro -%}

{#- Spark: the query of this model, with the day of each row where its table is by days. -#}
{% macro with_day(compiled_code) -%}
    {%- set day = day_of(this) -%}
    {%- if day is none -%}
        {{ compiled_code }}
    {%- else -%}
        select *, coalesce(cast({{ day }} as date), date '1970-01-01') as partition_day from (
{{ compiled_code }}
) as rows
    {%- endif -%}
{%- endmacro %}

{#- Parquet holds no constraints; a contract's names and types are checked all the same. -#}
{% macro spark__persist_constraints(relation, model) %}{% endmacro %}
