{#-
What the build before left, and whether this one adds to it. A build lands the files that
are new and then, for each user they touch, rebuilds what lies at or after `changed_from`;
everything earlier is as a full refresh would leave it. docs/incremental.md tells it whole.
-#}

{#-
Whether this is a model of a running build, which may ask the database; not while
documentation, a linter or a unit test has it compiled.
-#}
{% macro is_executing() %}
    {{ return(execute and flags.WHICH in ('build', 'run') and model.resource_type == 'model') }}
{% endmacro %}

{#-
A source of what the build before left, if it is there and this build adds to it; else none.

Example: previous_relation(source('landed_before', 'landed_files'))
-#}
{% macro previous_relation(relation) %}
    {% if not offer_ai.is_executing() or flags.FULL_REFRESH %}{{ return(none) }}{% endif %}
    {{ return(load_cached_relation(offer_ai.as_configured(relation.identifier))) }}
{% endmacro %}

{#-
A model or a seed (`kind`) of this project where it is configured to lie, by the project that
has this one as a package too; whether it is there or not.
-#}
{% macro as_configured(name, kind='model') %}
    {#- A unit test knows no graph. -#}
    {% set node = graph.get('nodes', {}).get(kind ~ '.offer_ai.' ~ name) %}
    {% if not node %}{{ return(offer_ai.landing_relation(name)) }}{% endif %}
    {{ return(api.Relation.create(
        database=node.database or none, schema=node.schema, identifier=node.alias)) }}
{% endmacro %}

{#- A relation beside the landed files, whether it is there or not. -#}
{% macro landing_relation(identifier) %}
    {% set landing = graph.get('nodes', {}).get('model.offer_ai.landed_files') %}
    {{ return(api.Relation.create(
        database=landing.database if landing else target.database or none,
        schema=landing.schema if landing else generate_schema_name('landing', none),
        identifier=identifier)) }}
{% endmacro %}

{#- The last file_id that a completed build took in; none when there must be a full build. -#}
{% macro last_built_file() %}
    {{ return(offer_ai.last_file_in(offer_ai.previous_relation(source('landed_before', 'build_log')))) }}
{% endmacro %}

{#- The last file_id that a build log knows of; none without a log. -#}
{% macro last_file_in(build_log) %}
    {% if build_log is none %}{{ return(none) }}{% endif %}
    {{ return(run_query('select max(last_file_id) from ' ~ build_log).columns[0].values()[0]) }}
{% endmacro %}

{#-
When the last build before this one went through, as a SQL expression, null in a full build: each
row that a build writes can say so, whatever it was that changed.
-#}
{% macro last_build_before() -%}
    {%- if is_delta() -%} (select max(completed_at) from {{ landing_relation('build_log') }})
    {%- else -%} cast(null as timestamp)
    {%- endif -%}
{%- endmacro %}

{#- Whether this run of a stored model adds to what an earlier, complete build left. -#}
{% macro is_delta() %}
    {{ return(is_incremental() and offer_ai.previous_relation(offer_ai.landing_relation('build_log')) is not none) }}
{% endmacro %}

{#- The same for a data test, as a number: 0 before the first build. -#}
{% macro last_built_file_of_landing() %}
    {{ return(offer_ai.last_file_in(
        load_cached_relation(offer_ai.landing_relation('build_log')) if execute else none) or 0) }}
{% endmacro %}
