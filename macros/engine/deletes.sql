{#- Taking rows out of a stored table. -#}

{#- Deletes the rows of `relation` that `where` (SQL over it alone) holds for. -#}
{% macro delete_rows(relation, where) -%}
    {{ return(adapter.dispatch('delete_rows', 'offer_ai')(relation, where)) }}
{%- endmacro %}

{% macro duckdb__delete_rows(relation, where) -%}
    delete from {{ relation }} where {{ where }}
{%- endmacro %}

{#- Parquet has no delete: truncate, or rewrite. -#}
{% macro spark__delete_rows(relation, where) -%}
    {%- if where == 'true' -%}{{ return('truncate table ' ~ relation) }}{%- endif -%}
    {%- set gone = 'coalesce(' ~ where ~ ', false)' -%}
    {{ return(offer_ai.rewrite(relation, ' where ' ~ gone, ' where not ' ~ gone)) }}
{%- endmacro %}

{#-
Deletes the rows of `relation` that `where` holds for, a predicate over it and
`changed_users`, joined on user_id.
-#}
{% macro delete_of_users(relation, changed_users, where) -%}
    {{ return(adapter.dispatch('delete_of_users', 'offer_ai')(relation, changed_users, where)) }}
{%- endmacro %}

{% macro duckdb__delete_of_users(relation, changed_users, where) -%}
    delete from {{ relation }} as stored
    using {{ changed_users }} as changed_users
    where stored.user_id = changed_users.user_id and {{ where }}
{%- endmacro %}

{#- Parquet has no delete: rewrite. -#}
{% macro spark__delete_of_users(relation, changed_users, where) -%}
    {%- set users = ' join ' ~ changed_users ~ ' as changed_users'
        ~ ' on stored.user_id = changed_users.user_id and ' ~ where -%}
    {{ return(offer_ai.rewrite(relation, ' left semi' ~ users, ' left anti' ~ users)) }}
{%- endmacro %}

{#-
Spark: takes rows out of a table by writing those that stay anew, of a table by days only
the days that have any to take out; returns the last statement of it. `gone` and `kept`
follow `from … as stored`.

The rows that stay are whole in a table of their own before anything is taken away, and
`mend_tables` puts them back when a build was killed on the way.
-#}
{% macro rewrite(relation, gone, kept) -%}
    {% set is_daily = offer_ai.day_of(relation) is not none %}
    {% set found = run_query('select distinct ' ~ ('cast(partition_day as string)' if is_daily else 1)
        ~ ' from ' ~ relation ~ ' as stored' ~ gone).columns[0].values() | list %}
    {% if not found %}{{ return('select 1') }}{% endif %}
    {% set copy = offer_ai.beside(relation, 'kept') %}
    {% set days = " where partition_day in (date '" ~ found | join("', date '") ~ "')" if is_daily %}
    {% do run_query('drop table if exists ' ~ copy) %}
    {% do run_query('create table ' ~ copy ~ ' using parquet as select stored.* from (select * from '
        ~ relation ~ (days or '') ~ ') as stored' ~ kept) %}
    {% if is_daily %}
        {% set left = run_query('select distinct cast(partition_day as string) from ' ~ copy)
            .columns[0].values() | list %}
        {% for day in found if day not in left %}
            {% do run_query('alter table ' ~ relation ~ " drop partition (partition_day = '" ~ day ~ "')") %}
        {% endfor %}
    {% endif %}
    {% do offer_ai.put_back(relation, copy) %}
    {{ return('drop table ' ~ copy) }}
{%- endmacro %}

{#- Spark: puts the rows that stay in the place of a table's, or of those of their days. -#}
{% macro put_back(relation, copy) -%}
    {% do run_query('insert overwrite table ' ~ relation
        ~ (' partition (partition_day)' if offer_ai.day_of(relation) is not none else '')
        ~ ' select * from ' ~ copy) %}
{%- endmacro %}

{#- Spark: the table beside another that holds the rows that stay (`kept`) or all of them (`anew`). -#}
{% macro beside(relation, what) -%}
    {{ return(relation.incorporate(path={'identifier': relation.identifier ~ '__' ~ what})) }}
{%- endmacro %}

{#-
Spark: puts a table that was made anew, and is whole, in the place of the one before. What was
killed on the way is done again from its beginning, by `mend_tables`.
-#}
{% macro take_place(relation, anew) -%}
    {% do run_query('drop table if exists ' ~ relation) %}
    {% do run_query('create table ' ~ relation ~ ' using parquet'
        ~ (' partitioned by (partition_day)' if offer_ai.day_of(relation) is not none else '')
        ~ ' as select * from ' ~ anew) %}
    {% do run_query('drop table ' ~ anew) %}
{%- endmacro %}

{#- Before a build: ends what a killed one had begun to write, or to take out of its tables. -#}
{% macro mend_tables() -%}
    {{ return(adapter.dispatch('mend_tables', 'offer_ai')()) }}
{%- endmacro %}

{#- A transaction that did not go through left nothing behind. -#}
{% macro duckdb__mend_tables() -%}{%- endmacro %}

{#-
A table beside another is whole when it is there. While a build is under way, and after one
that did not end, there is a table `build_under_way`: files may lie there then that the catalog
does not know.
-#}
{% macro spark__mend_tables() -%}
    {% set under_way, present = offer_ai.landing_relation('build_under_way'), {} %}
    {% for schema in graph.nodes.values() | selectattr('resource_type', 'equalto', 'model')
        | map(attribute='schema') | unique if adapter.check_schema_exists(none, schema) %}
        {% do present.update({schema: run_query('show tables in ' ~ schema).columns[1].values() | list}) %}
    {% endfor %}
    {% if under_way.identifier in present.get(under_way.schema, []) %}
        {% do offer_ai.mend_catalog(present) %}
    {% else %}
        {% do run_query('create table ' ~ under_way ~ ' (build int) using parquet') %}
    {% endif %}
    {% for schema, names in present.items() %}
        {% for name in names if name.endswith('__kept') %}
            {% set copy = api.Relation.create(schema=schema, identifier=name) %}
            {#- In a full refresh too: it keeps what has landed, and what it does not select. -#}
            {% if name[:-6] in names %}
                {% do offer_ai.put_back(api.Relation.create(schema=schema, identifier=name[:-6]), copy) %}
            {% endif %}
            {% do run_query('drop table ' ~ copy) %}
        {% endfor %}
        {% for name in names if name.endswith('__anew') %}
            {% set relation = api.Relation.create(schema=schema, identifier=name[:-6], type='table') %}
            {% do offer_ai.take_place(relation, api.Relation.create(schema=schema, identifier=name)) %}
            {#- dbt has looked what there is before. -#}
            {% do adapter.cache_added(relation) %}
        {% endfor %}
    {% endfor %}
{%- endmacro %}

{#-
Spark writes files first and tells the catalog then. What a killed build wrote of days that the
catalog does not know is made known, so that it is taken out as other rows are; files of a table
that the catalog does not know are removed, or Spark would not make that table any more. No
statement removes files but of a table, so one is laid over them, and emptied.

- present: a dict of schema to the names of its tables
-#}
{% macro mend_catalog(present) -%}
    {% set over = offer_ai.landing_relation('laid_over') %}
    {% set stored, unknown = [], [] %}
    {% for relation in [offer_ai.landing_relation('build_log'), offer_ai.rates_before(), offer_ai.exclusions_before()] %}
        {% do stored.append([relation.schema, relation.identifier, none]) %}
    {% endfor %}
    {% for node in graph.nodes.values() if node.resource_type == 'model' and offer_ai.is_ours(node)
        and node.config.materialized not in ('view', 'ephemeral') and node.schema in present %}
        {% do stored.append([node.schema, node.alias, node.config.meta.get('day_of')]) %}
    {% endfor %}
    {% for schema, name, day in stored %}
        {% if day and name in present[schema] %}
            {% do run_query('msck repair table ' ~ api.Relation.create(schema=schema, identifier=name)) %}
        {% endif %}
        {% for known in [name, name ~ '__kept', name ~ '__anew'] if known not in present[schema] %}
            {% do unknown.append([schema, known]) %}
        {% endfor %}
    {% endfor %}
    {% do run_query('drop table if exists ' ~ over) %}
    {% do run_query('create table ' ~ over ~ ' (nothing int) using parquet') %}
    {% set folders = {} %}
    {% for schema, name in unknown %}
        {% if schema not in folders %}
            {% for row in run_query('describe database extended ' ~ schema).rows if row[0] == 'Location' %}
                {% do folders.update({schema: row[1]}) %}
            {% endfor %}
        {% endif %}
        {% do run_query('alter table ' ~ over ~ ' set location ' ~ offer_ai.text_literal(folders[schema] ~ '/' ~ name)) %}
        {% do run_query('truncate table ' ~ over) %}
    {% endfor %}
    {% do run_query('drop table ' ~ over) %}
{%- endmacro %}

{#- After a build of which no statement failed: there is nothing to mend. -#}
{% macro end_build(results) -%}
    {% if not execute or flags.WHICH not in ('build', 'run') %}{{ return('') }}{% endif %}
    {{ return(adapter.dispatch('end_build', 'offer_ai')(results)) }}
{%- endmacro %}

{% macro duckdb__end_build(results) -%}{%- endmacro %}

{% macro spark__end_build(results) -%}
    {% if results | map(attribute='status') | select('in', ['error', 'runtime error']) | list %}
        {{ return('') }}
    {% endif %}
    {% do run_query('drop table if exists ' ~ offer_ai.landing_relation('build_under_way')) %}
{%- endmacro %}
