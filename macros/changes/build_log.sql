{#-
The log of builds that went through: one row each, and none before the first. A build that
did not go through is simply done again from the last that did.
-#}

{#-
What was declared, but for descriptions, as a digest of each var, of the columns that anchors
carry for features of `from_anchor`, and of each `action`, which decisions note. A change asks for
a refresh of what is made of it.
-#}
{% macro declarations() %}
    {% set digests = {} %}
    {% for name in vocabulary_vars() + ['excluded_users', 'session_split',
            'session_measures', 'decision_points', 'features', 'labels', 'reporting_currency'] %}
        {% set value = field_aliases() if name == 'field_aliases'
            else stored_decision_points() if name == 'decision_points'
            else event_type_aliases() if name == 'event_type_aliases' else var(name) %}
        {% set text = modules.re.sub('"description": "(?:[^"\\\\]|\\\\.)*"', '', tojson(value)) %}
        {% do digests.update({name: local_md5(text)}) %}
    {% endfor %}
    {% do digests.update({'from_anchor': local_md5(tojson(anchor_columns(var('features'))))}) %}
    {% set actions = [] %}
    {% for point in (var('decision_points') or {}).values() %}{% do actions.append(point.get('action')) %}{% endfor %}
    {% do digests.update({'action': local_md5(tojson(actions))}) %}
    {{ return(digests) }}
{% endmacro %}

{#- Whether a node is a model that builds keep count of: of this project, or of a declared decision point. -#}
{% macro is_ours(node) %}
    {{ return(node.package_name == 'offer_ai' or 'decision_point' in node.config.meta) }}
{% endmacro %}

{#- Ends a build in a session that is not in UTC: times would be read and cut as local ones. -#}
{% macro require_utc() %}
    {% set zone = run_query('select ' ~ time_zone()).columns[0].values()[0] %}
    {% if zone not in ('UTC', 'Etc/UTC', 'GMT', 'Etc/GMT') %}
        {% do exceptions.raise_compiler_error(
            "The session's time zone is " ~ zone ~ ', and times here are UTC: set it in '
            ~ 'profiles.yml (DuckDB: `settings: {TimeZone: UTC}`; Spark: '
            ~ '`server_side_parameters: {spark.sql.session.timeZone: UTC}`).') %}
    {% endif %}
{% endmacro %}

{#-
The SQL that each stored model is made by, as a digest: its own, that of the views it reads
and of the project's macros that any of these call, without comments and white space.
-#}
{% macro model_digests() %}
    {% set macro_texts, views = {}, {} %}
    {% for node in graph.nodes.values() if node.resource_type == 'model'
        and is_ours(node) and node.config.materialized == 'view' %}
        {% do views.update({node.unique_id: node}) %}
    {% endfor %}
    {% set digests = {} %}
    {% for node in graph.nodes.values() if node.resource_type == 'model'
        and is_ours(node) and node.config.materialized == 'incremental' %}
        {% set parts, seen, ahead = [], [], [node.unique_id] + node.depends_on.macros %}
        {% set parents = node.depends_on.nodes | list %}
        {% do parts.append(node.raw_code) %}
        {% for parent in parents if parent in views %}
            {% do parts.append(views[parent].raw_code) %}
            {% do ahead.extend(views[parent].depends_on.macros) %}
            {% do parents.extend(views[parent].depends_on.nodes) %}
        {% endfor %}
        {#- What is refused is no part of what is built. -#}
        {% for unique_id in ahead if unique_id not in seen + ['macro.offer_ai.check_declarations'] %}
            {% do seen.append(unique_id) %}
            {% set name = unique_id.split('.') | last %}
            {% for called in [name, target.type ~ '__' ~ name]
                if unique_id.startswith('macro.offer_ai.') and called in context %}
                {% set macro = context[called].macro %}
                {% do parts.append(macro.macro_sql) %}
                {% do ahead.extend(macro.depends_on.macros) %}
            {% endfor %}
        {% endfor %}
        {% set text = modules.re.sub('(?s){#.*?#}|--[^\\n]*', ' ', parts | sort | join(' ')) %}
        {% do digests.update({node.name: local_md5(modules.re.sub('\\s+', ' ', text))}) %}
    {% endfor %}
    {{ return(digests) }}
{% endmacro %}

{#-
On-run-start: ends a build whose declarations or models are not those of the tables it would
add to, by name, with the command that mends it. In a full refresh the build log goes first: if
this build dies, the next rebuilds everything; a refresh of some models keeps it.
-#}
{% macro begin_build() %}
    {% if not execute or flags.WHICH not in ('build', 'run') %}{{ return('') }}{% endif %}
    {% do require_utc() %}
    {% do refuse_namesakes() %}
    {% do check_columns() %}
    {% do mend_tables() %}
    {% set build_log = load_relation(landing_relation('build_log')) %}
    {% if flags.FULL_REFRESH and not is_refresh_of_some() %}
        {% if build_log is not none %}{% do adapter.drop_relation(build_log) %}{% endif %}
        {{ return('') }}
    {% endif %}
    {% do refuse_other_landing() %}
    {% if build_log is none %}{{ return('') }}{% endif %}
    {% set row, changed, declared, models = last_build(), [], [], [] %}
    {% set declared_before, models_before = fromjson(row[1]), fromjson(row[2]) %}
    {% for name, digest in declarations().items() if declared_before.get(name) != digest %}
        {% do declared.append(name) %}
        {% do changed.append('`' ~ name ~ '` (dbt_project.yml)') %}
    {% endfor %}
    {% for name, digest in model_digests().items() if models_before.get(name, digest) != digest %}
        {% do models.append(name) %}
        {% do changed.append('model ' ~ name) %}
    {% endfor %}
    {% set stale = stale_models(declared, models) %}
    {% if flags.FULL_REFRESH and stale is not none %}{{ return(begin_refresh(stale)) }}{% endif %}
    {% if changed %}
        {% do exceptions.raise_compiler_error(
            changed | join(', ') ~ ' changed since the tables were built. Run '
            ~ refresh_command(stale) ~ '.') %}
    {% endif %}
{% endmacro %}

{#- Ends a build in which a model of this project would read the host's of the same name in place of its own. -#}
{% macro refuse_namesakes() %}
    {% set ours = graph.nodes.values() | selectattr('package_name', 'equalto', 'offer_ai') | list %}
    {% set names = ours | selectattr('resource_type', 'in', ['model', 'seed']) | map(attribute='name') | list
        + graph.sources.values() | selectattr('package_name', 'equalto', 'offer_ai') | map(attribute='source_name')
        | unique | list %}
    {% for node in ours %}
        {% for parent in node.depends_on.nodes if parent.split('.')[1] != 'offer_ai' and parent.split('.')[2] in names %}
            {% do exceptions.raise_compiler_error(
                "Offer AI's " ~ node.name ~ ' would read ' ~ parent ~ ', as it has the name of one of its own. Put '
                ~ '`require_ref_searches_node_package_before_root: true` under `flags` of your dbt_project.yml.') %}
        {% endfor %}
    {% endfor %}
{% endmacro %}

{#- Ends a build when what has landed was read by another vocabulary, or keyed by another engine. -#}
{% macro refuse_other_landing() %}
    {% set landed_files = load_relation(as_configured('landed_files')) %}
    {% if landed_files is none %}{{ return('') }}{% endif %}
    {% set others = run_query(
        "select count(case when vocabulary <> '" ~ vocabulary_digest() ~ "' then 1 end), "
        ~ 'count(case when engine_hash <> ' ~ engine_hash() ~ ' then 1 end) from '
        ~ landed_files).rows[0] %}
    {% if others[0] %}
        {% do exceptions.raise_compiler_error(
            'The event vocabulary in dbt_project.yml (' ~ vocabulary_vars() | join(', ')
            ~ ') changed since ' ~ others[0] ~ ' files landed. Run `dbt build --full-refresh` '
            ~ 'once to read them again and build everything anew.') %}
    {% elif others[1] %}
        {% do exceptions.raise_compiler_error(
            'The engine was upgraded and hashes otherwise, so repeated events would be missed. '
            ~ 'Run `dbt build --full-refresh` once: keys are computed again.') %}
    {% endif %}
{% endmacro %}

{#-
On-run-end: logs the build when every stored model was built by it, so that the
next one starts where this one ended.
-#}
{% macro log_build(results) %}
    {% if not execute or flags.WHICH not in ('build', 'run') or flags.EMPTY %}{{ return('') }}{% endif %}
    {% if not events_table() %}{% do run_query(forget_copies()) %}{% endif %}
    {% set built = [] %}
    {% for result in results if result.status == 'success' %}
        {% do built.append(result.node.unique_id) %}
    {% endfor %}
    {% if is_refresh_of_some() %}{{ return(log_refresh(built)) }}{% endif %}
    {% for node in graph.nodes.values()
        if node.resource_type == 'model' and node.config.materialized == 'incremental'
        and is_ours(node) and node.unique_id not in built %}
        {{ return('') }}
    {% endfor %}
    {#- Before the log: of rates or users that are not kept, the next build takes all for changed. -#}
    {% do keep_rates() %}
    {% do keep_exclusions() %}
    {% set build_log = landing_relation('build_log') %}
    {% set last_file_id = '(select coalesce(max(file_id), 0) from ' ~ as_configured('landed_files') ~ ')' %}
    {% set row = build_row(last_file_id, tojson(declarations()), tojson(model_digests())) %}
    {#- Never empty: that the log is there says that a build went through. -#}
    {% do run_query('create table if not exists ' ~ build_log ~ ' as ' ~ row) %}
    {% do run_query('insert into ' ~ build_log ~ ' select * from (' ~ row ~ ') as row'
        ~ ' where completed_at not in (select completed_at from ' ~ build_log ~ ')') %}
{% endmacro %}
