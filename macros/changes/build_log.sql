{#-
The log of builds that went through: one row each, and none before the first. A build that
did not go through is simply done again from the last that did.
-#}

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
add to. In a full refresh the build log goes first: if this build dies, the next rebuilds
everything.
-#}
{% macro begin_build() %}
    {% if not execute or flags.WHICH not in ('build', 'run') %}{{ return('') }}{% endif %}
    {% do mend_tables() %}
    {% set build_log = load_relation(landing_relation('build_log')) %}
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
    {% set build_log = landing_relation('build_log') %}
    {% set completed_at = run_query('select ' ~ utc_now()).columns[0].values()[0] %}
    {% set row = 'select cast(coalesce(max(file_id), 0) as bigint) as last_file_id, '
        ~ dbt.string_literal(tojson(declarations())) ~ ' as declarations, '
        ~ timestamp_literal(completed_at) ~ ' as completed_at from '
        ~ landing_relation('landed_files') %}
    {#- Never empty: that the log is there says that a build went through. -#}
    {% do run_query('create table if not exists ' ~ build_log ~ ' as ' ~ row) %}
    {% do run_query('insert into ' ~ build_log ~ ' select * from (' ~ row ~ ') as row'
        ~ ' where completed_at not in (select completed_at from ' ~ build_log ~ ')') %}
{% endmacro %}
