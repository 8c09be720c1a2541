{#-
What a build has to do again. A build lands the files that are new and then, for
each user they touch, rebuilds what lies at or after `changed_from`; everything
earlier is as a full refresh would leave it. `build_log` holds one row per build
that went through, and is not there before the first; a build that did not go through
is simply done again from the last that did.
-#}

{#-
Whether this is a model of a running build, which may ask the database; not while
documentation, a linter or a unit test has it compiled.
-#}
{% macro is_built() %}
    {{ return(execute and flags.WHICH in ('build', 'run') and model.resource_type == 'model') }}
{% endmacro %}

{#- A relation as the last build left it, for models upstream of it; none if there is none. -#}
{% macro as_left(schema, identifier) %}
    {% if not is_built() or flags.FULL_REFRESH %}{{ return(none) }}{% endif %}
    {{ return(adapter.get_relation(
        database=target.database or none, schema=schema, identifier=identifier)) }}
{% endmacro %}

{#- The last file_id that a completed build took in; none when there must be a full build. -#}
{% macro last_built_file() %}
    {% set build_log = as_left('staging', 'build_log') %}
    {% if build_log is none %}{{ return(none) }}{% endif %}
    {{ return(run_query('select max(last_file_id) from ' ~ build_log).columns[0].values()[0]) }}
{% endmacro %}

{#- The last file that has landed, as a SQL expression: each row that a build writes can say so. -#}
{% macro last_landed_file() -%}
    (select coalesce(max(file_id), 0) from {{ ref('landed_files') }})
{%- endmacro %}

{#- Whether this run of a stored model adds to what an earlier, complete build left. -#}
{% macro is_delta() %}
    {{ return(is_incremental() and as_left('staging', 'build_log') is not none) }}
{% endmacro %}

{#-
A pre-hook that deletes the rows a delta will insert again, in the transaction
that inserts them; without a completed build to add to, all of them.

- where: SQL predicate over `this` and `changed_users` joined on user_id
-#}
{% macro make_room(where='true') %}
    {% set changed_users = ref('changed_users') %}
    {% if not is_incremental() %}
        {{ return('select 1') }}
    {% elif not is_delta() %}
        {{ return(delete_rows(this, 'true')) }}
    {% else %}
        {{ return(delete_of_users(this, changed_users, where)) }}
    {% endif %}
{% endmacro %}

{#-
A pre-hook of a table that each build fills anew: to empty it takes a delta less time than
dbt's way, a new table that is swapped for the old.
-#}
{% macro empty_first() %}
    {{ return(delete_rows(this, 'true') if is_incremental() else 'select 1') }}
{% endmacro %}

{#-
The events to build from, as a relation to put behind `from`: all of them or, in a
delta, those of changed users from `changed_from` on. With a literal bound on the
time, only the newest part of the table is read.
-#}
{% macro changed_events() %}
    {% set events, changed_users = ref('stg_events'), ref('changed_users') %}
    {% if not is_delta() %}
        {{ return(events) }}
    {% endif %}
    {% set since = run_query('select cast(min(changed_from) as ' ~ dbt.type_string()
        ~ ') from ' ~ changed_users).columns[0].values()[0] %}
    {{ return(
        '(select events.* from ' ~ events ~ ' as events'
        ~ ' inner join ' ~ changed_users ~ ' as changed_users'
        ~ ' on events.user_id = changed_users.user_id'
        ~ ' and events.event_time >= changed_users.changed_from'
        ~ ' where events.event_time >= ' ~ timestamp_literal(since) ~ ')'
    ) }}
{% endmacro %}

{#- A timestamp from Python as a literal; the end of time for none. -#}
{% macro timestamp_literal(value) -%}
    cast('{{ value or "9999-12-31 00:00:00" }}' as timestamp)
{%- endmacro %}

{#- What was declared, but for descriptions, as a digest of each var. A change asks for a full refresh. -#}
{% macro declarations() %}
    {% set digests = {} %}
    {% for name in ['event_fields', 'event_type_aliases', 'field_aliases', 'session_split',
                    'max_anchors_per_user_day', 'features', 'labels'] %}
        {% set text = modules.re.sub('"description": "(?:[^"\\\\]|\\\\.)*"', '', tojson(var(name))) %}
        {% do digests.update({name: local_md5(text)}) %}
    {% endfor %}
    {{ return(digests) }}
{% endmacro %}

{#-
On-run-start: ends a build whose declarations are not those of the tables it would
add to. A full refresh forgets the builds before it, lest a half of it be added to.
-#}
{% macro begin_build() %}
    {% if not execute or flags.WHICH not in ('build', 'run') %}{{ return('') }}{% endif %}
    {% do mend_tables() %}
    {% set build_log = adapter.get_relation(
        database=target.database or none, schema='staging', identifier='build_log') %}
    {% if build_log is none %}{{ return('') }}{% endif %}
    {% if flags.FULL_REFRESH %}{{ return('drop table ' ~ build_log) }}{% endif %}
    {% set rows = run_query(
        'select declarations from ' ~ build_log ~ ' order by last_file_id desc limit 1') %}
    {% set before = fromjson(rows.columns[0].values()[0]) if rows | length else {} %}
    {% set changed = [] %}
    {% for name, digest in declarations().items() if before.get(name, digest) != digest %}
        {% do changed.append(name) %}
    {% endfor %}
    {% if changed %}
        {% do exceptions.raise_compiler_error(
            'dbt_project.yml: ' ~ changed | join(', ') ~ ' changed since the tables were '
            ~ 'built. Run `dbt build --full-refresh` once to build them anew.') %}
    {% endif %}
{% endmacro %}

{#-
On-run-end: logs the build when every stored model was built by it, so that the
next one starts where this one ended.
-#}
{% macro log_build(results) %}
    {% if not execute or flags.WHICH not in ('build', 'run') %}{{ return('') }}{% endif %}
    {% set built = [] %}
    {% for result in results if result.status == 'success' %}
        {% do built.append(result.node.unique_id) %}
    {% endfor %}
    {% for node in graph.nodes.values()
        if node.resource_type == 'model' and node.config.materialized == 'incremental'
        and node.unique_id not in built %}
        {{ return('') }}
    {% endfor %}
    {% set build_log = api.Relation.create(
        database=target.database or none, schema='staging', identifier='build_log') %}
    {% set landed_files = api.Relation.create(
        database=target.database or none, schema='staging', identifier='landed_files') %}
    {% set completed_at = run_query('select ' ~ utc_now()).columns[0].values()[0] %}
    {% set row = 'select cast(coalesce(max(file_id), 0) as bigint) as last_file_id, '
        ~ dbt.string_literal(tojson(declarations())) ~ ' as declarations, '
        ~ timestamp_literal(completed_at) ~ ' as completed_at from ' ~ landed_files %}
    {#- Never empty: that the log is there says that a build went through. -#}
    {% do run_query('create table if not exists ' ~ build_log ~ ' as ' ~ row) %}
    {% do run_query('insert into ' ~ build_log ~ ' select * from (' ~ row ~ ') as row'
        ~ ' where completed_at not in (select completed_at from ' ~ build_log ~ ')') %}
{% endmacro %}
