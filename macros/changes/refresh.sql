{#-
Refreshes that fit: when something declared or a model changes, what is made of it is made anew,
by `dbt build --full-refresh --select` with the names that the refused build gives, and the rest
stays as it is.
-#}

{#-
The stored models that a declaration goes into, by its name; what is not here goes into nearly
all. Those that read one of these come behind it by themselves.
-#}
{% macro models_of_declarations() %}
    {% set models = {'session_measures': ['session_rollups'], 'features': ['latest_anchor_features', 'latest_requests'],
        'from_anchor': ['stg_offers_shown'], 'action': ['stg_decisions'], 'labels': []} %}
    {% for point in (var('decision_points') or {}).values() %}
        {% do models.features.append(point.one ~ '_features') %}
        {% do models.labels.append(point.one ~ '_labels') %}
    {% endfor %}
    {{ return(models) }}
{% endmacro %}

{#- The stored models of the project: a dict of unique id to name. -#}
{% macro stored_models() %}
    {% set stored = {} %}
    {% for node in graph.nodes.values() if node.resource_type == 'model'
        and is_ours(node) and node.config.materialized == 'incremental' %}
        {% do stored.update({node.unique_id: node.name}) %}
    {% endfor %}
    {{ return(stored) }}
{% endmacro %}

{#- These models and all that read them, directly or not: a list of unique ids. -#}
{% macro models_behind(names) %}
    {% set behind = [] %}
    {% for node in graph.nodes.values() if node.resource_type == 'model' and node.name in names %}
        {% do behind.append(node.unique_id) %}
    {% endfor %}
    {#- A list that grows while it is gone through. -#}
    {% for parent in behind %}
        {% for node in graph.nodes.values() if node.resource_type == 'model'
            and parent in node.depends_on.nodes and node.unique_id not in behind %}
            {% do behind.append(node.unique_id) %}
        {% endfor %}
    {% endfor %}
    {{ return(behind) }}
{% endmacro %}

{#-
The names of the stored models that changed declarations (names) and changed models make stale,
and of those that read them; none where a refresh of all is as good: where landing is among them.
-#}
{% macro stale_models(changed_declarations, changed_models) %}
    {% set names, stored, stale = changed_models | list, stored_models(), [] %}
    {% for name in changed_declarations %}
        {% if name not in models_of_declarations() %}{{ return(none) }}{% endif %}
        {% do names.extend(models_of_declarations()[name]) %}
    {% endfor %}
    {% for unique_id in models_behind(names) if unique_id in stored %}
        {% if is_of_landing(unique_id) %}{{ return(none) }}{% endif %}
        {% do stale.append(stored[unique_id]) %}
    {% endfor %}
    {{ return(stale) }}
{% endmacro %}

{#- Whether a stored model is one of landing: everything else is made of these. -#}
{% macro is_of_landing(unique_id) %}
    {{ return(graph.nodes[unique_id].path.startswith('landing')) }}
{% endmacro %}

{#- The command that makes stale models (names, or none for all) anew. -#}
{% macro refresh_command(stale) -%}
    {%- if stale is none -%} `dbt build --full-refresh` once to build them anew from what has landed
    {%- else -%}
    {%- set first = [] -%}
    {%- for name in stale -%}
        {#- One that another of them brings along need not be named. -#}
        {%- set brought = [] -%}
        {%- for other in stale if other != name -%}
            {%- for unique_id in models_behind([other]) if unique_id.split('.')[-1] == name -%}
                {%- do brought.append(other) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- if not brought -%}{%- do first.append(name ~ '+') -%}{%- endif -%}
    {%- endfor -%}
    {%- set options = '--full-refresh --select ' ~ first | sort | join(' ') -%}
    `dbt build {{ options }}` once (or `make build ARGS='{{ options }}'`) to build anew what is made of it
    {%- endif -%}
{%- endmacro %}

{#-
Whether this run makes some stored models anew and leaves the rest as the build before left it.
Where landing is among them, all is made anew by the next build.
-#}
{% macro is_refresh_of_some() %}
    {% if not flags.FULL_REFRESH or load_relation(landing_relation('build_log')) is none %}
        {{ return(false) }}
    {% endif %}
    {% set stored = stored_models().keys() | list %}
    {% set selected = stored | select('in', selected_resources) | list %}
    {% for unique_id in selected if is_of_landing(unique_id) %}{{ return(false) }}{% endfor %}
    {{ return(selected | length < stored | length) }}
{% endmacro %}

{#- The last row of the build log: last_file_id, declarations and models, as they are. -#}
{% macro last_build() %}
    {{ return(run_query('select last_file_id, declarations, models from '
        ~ landing_relation('build_log') ~ ' order by completed_at desc limit 1').rows[0]) }}
{% endmacro %}

{#-
Begins such a run: ends it when it leaves stale models out. Until it is through, the log says
of what it makes that it is unfinished: to take a declaration back is then no way out.
-#}
{% macro begin_refresh(stale) %}
    {% set row, models = last_build(), {} %}
    {% for unique_id, name in stored_models().items() if unique_id in selected_resources %}
        {% do models.update({name: 'unfinished'}) %}
    {% endfor %}
    {% for name in stale if name not in models %}
        {% do exceptions.raise_compiler_error(
            'This refresh leaves out ' ~ name ~ ', which changed too. Run ' ~ refresh_command(stale) ~ '.') %}
    {% endfor %}
    {% if not models %}{{ return('') }}{% endif %}
    {% do run_query('insert into ' ~ landing_relation('build_log') ~ ' '
        ~ build_row(row[0], row[1], tojson(dict(fromjson(row[2]), **models)))) %}
{% endmacro %}

{#-
Ends it: the log begins anew, from the last file that a build took in, so that what is published
of these tables is published whole. Without a row where a model did not go through.
-#}
{% macro log_refresh(built) %}
    {% set row, digests = last_build(), model_digests() %}
    {% set models, refreshed = fromjson(row[2]), [] %}
    {% for unique_id, name in stored_models().items() if unique_id in selected_resources %}
        {% if unique_id not in built %}{{ return('') }}{% endif %}
        {% do models.update({name: digests[name]}) %}
        {% do refreshed.append(name) %}
    {% endfor %}
    {% if not refreshed %}{{ return('') }}{% endif %}
    {% set build_log = landing_relation('build_log') %}
    {% set row = build_row(row[0], tojson(declarations()), tojson(models)) %}
    {% do adapter.drop_relation(load_relation(build_log)) %}
    {% do run_query('create table ' ~ build_log ~ ' as ' ~ row) %}
{% endmacro %}

{#- A row of the build log, as a query. -#}
{% macro build_row(last_file_id, declarations, models) -%}
    {%- set completed_at = run_query('select ' ~ utc_now()).columns[0].values()[0] -%}
    select
        cast({{ last_file_id }} as bigint) as last_file_id,
        {{ dbt.string_literal(declarations) }} as declarations,
        {{ dbt.string_literal(models) }} as models,
        {{ timestamp_literal(completed_at) }} as completed_at
{%- endmacro %}
