{#-
What has landed stays. A full refresh builds everything again from it; raw files are read
again only when the vocabulary is another than the one they were read with.
-#}

{#- The vars that say how a line is read. -#}
{% macro vocabulary_vars() %}
    {{ return(['event_fields', 'event_type_aliases', 'field_aliases', 'no_user_ids',
        'no_session_ids', 'clock_tolerance_hours']) }}
{% endmacro %}

{#- A digest of the vocabulary that a file is read with, as text. -#}
{% macro vocabulary_digest() %}
    {% set digests = declarations() %}
    {% set parts = [] %}
    {% for name in vocabulary_vars() %}{% do parts.append(digests[name]) %}{% endfor %}
    {{ return(local_md5(parts | join)) }}
{% endmacro %}

{#- The files that have landed, as they were before this build; none before the first. -#}
{% macro landed_before() %}
    {% set landed_files = source('landed_before', 'landed_files') %}
    {{ return(load_cached_relation(as_configured(landed_files.identifier)) if is_executing()
        else none) }}
{% endmacro %}

{#- Landed files that this build's vocabulary did not read, as a SQL predicate over them. -#}
{% macro is_of_other_vocabulary() -%}
    (vocabulary <> '{{ vocabulary_digest() }}'
    {%- if var('reread_files') %} or true{% endif %}
    {%- if not can_rekey() %} or engine_hash <> {{ engine_hash() }}{% endif %})
{%- endmacro %}

{#- Whether this build reads raw files that have landed again. -#}
{% macro is_reread() %}
    {% if not execute or not flags.FULL_REFRESH or flags.WHICH not in ('build', 'run') %}
        {{ return(false) }}
    {% endif %}
    {% set landed_files = load_cached_relation(as_configured('landed_files')) %}
    {{ return(landed_files is not none and run_query('select count(*) from ' ~ landed_files
        ~ ' where ' ~ is_of_other_vocabulary()).columns[0].values()[0] > 0) }}
{% endmacro %}

{#-
dbt's own, but for what has landed (`is_landing` in a model's meta): that is made anew only
when it is read again.
-#}
{% macro should_full_refresh() %}
    {% if config.get('meta', {}).get('is_landing') %}{{ return(is_reread()) }}{% endif %}
    {% set configured = config.get('full_refresh') %}
    {{ return(flags.FULL_REFRESH if configured is none else configured) }}
{% endmacro %}

{#-
The landed files, of those to be read again, that are gone or have changed, as a query of
source_file.
-#}
{% macro lost_files() -%}
    select landed.source_file
    from {{ landed_before() }} as landed
    left join {{ listed_files() }} as listed on landed.source_file = listed.source_file
    where
        {{ is_of_other_vocabulary() }} and landed.error is null
        {%- if events_table() %}
        and not {{ is_batch('landed.source_file') }}
        {%- endif %}
        and (
            listed.source_file is null
            or case
                when listed.size <> landed.size or listed.modified_us <> landed.modified_us
                    then {{ file_digest('listed.source_file') }} is distinct from landed.digest
            end
        )
{%- endmacro %}

{#- Ends a build that would have to read files again that are lost, unless it was said what of them. -#}
{% macro refuse_lost_files() %}
    {% if not is_executing() or not is_reread() or var('missing_files') in ('keep', 'forget') %}
        {{ return('') }}
    {% endif %}
    {% set lost = run_query(lost_files() ~ ' order by 1').columns[0].values() | list %}
    {% if events_table() and lost_rows() %}
        {% do lost.append(lost_rows() ~ ' rows of ' ~ events_table()) %}
    {% endif %}
    {% if lost | length %}
        {% do exceptions.raise_compiler_error(
            'The vocabulary has changed, so raw files have to be read again, and '
            ~ lost | length ~ ' of those that landed are gone or have changed: '
            ~ lost[:10] | join(', ') ~ (', …' if lost | length > 10 else '')
            ~ '. Put them back; or run `dbt build --full-refresh --vars "missing_files: keep"`'
            ~ ' to keep their events as they were read, or `"missing_files: forget"` to go on'
            ~ ' without them.') %}
    {% endif %}
{% endmacro %}

{#-
With `missing_files: forget`, files that have landed, that no build has gone through with and that are
gone count as never landed; those that landed after them land again. What builds have taken in stays.
-#}
{% macro forget_gone_files() %}
    {% set landed_files = landed_before() %}
    {% if landed_files is none or flags.FULL_REFRESH or events_table() or var('missing_files') != 'forget' %}
        {{ return('') }}
    {% endif %}
    {% set gone = run_query(
        'select source_file, file_id from ' ~ landed_files ~ ' where file_id > ' ~ last_built_file_of_landing()
        ~ ' and source_file not in (select source_file from ' ~ listed_files() ~ ') order by file_id').rows %}
    {% if gone %}
        {% do log('Forgotten, as they are gone and no build has gone through with them: '
            ~ gone | map(attribute=0) | join(', '), info=true) %}
        {% do run_query(delete_rows(landed_files, 'file_id >= ' ~ gone[0][1])) %}
    {% endif %}
{% endmacro %}

{#- When files are read again: landed files whose rows stay as they are, as a query of file_id. -#}
{% macro kept_files() -%}
    select landed.file_id
    from {{ landed_before() }} as landed
    where
        {%- if events_table() %}
        {{ 'true' if keeps_batches() else 'not ' ~ is_batch('landed.source_file') }}
        {%- else %}
        landed.source_file not in (select source_file from {{ ref('new_files') }})
        {%- endif %}
        {%- if var('missing_files') == 'forget' %}
        and landed.source_file in (select source_file from {{ listed_files() }})
        {%- endif %}
{%- endmacro %}

{#-
When files are read again: the rows of a landing table that stay, with this build's columns
(a dict of name to type); a column that was not there is null.
-#}
{% macro kept_rows(columns, where) -%}
    {%- set present = adapter.get_columns_in_relation(this) | map(attribute='name') | list -%}
    select
        {%- for name, type in columns.items() %}
        {{ try_to(type, name) if name in present else 'cast(null as ' ~ type ~ ')' }} as {{ name }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from {{ this }}
    where {{ where }}
{%- endmacro %}

{#-
A number that changes when the engine's hash, and with it `event_key`, does: its hash of a
known text, as a SQL expression.
-#}
{% macro engine_hash() -%}
    {{ fingerprint(["'Offer AI'"]) }}
{%- endmacro %}

{#-
A pre-hook of a full refresh under an engine that hashes otherwise: `event_key` is computed
again for what has landed.
-#}
{% macro rekey_deliveries() %}
    {% if not (flags.FULL_REFRESH and is_incremental() and can_rekey() and is_executing())
        or run_query('select count(*) from ' ~ landed_before() ~ ' where engine_hash <> '
            ~ engine_hash()).columns[0].values()[0] == 0 %}
        {{ return('select 1') }}
    {% endif %}
    {{ return('update ' ~ this ~ ' as landed set event_key = '
        ~ delivery_key('landed', type='event_type', user='user_id')) }}
{% endmacro %}

{#- A pre-hook that says so of the files, where this build has done it. -#}
{% macro mark_as_rekeyed() %}
    {{ return('update ' ~ this ~ ' set engine_hash = ' ~ engine_hash()
        if flags.FULL_REFRESH and is_incremental() and can_rekey()
            and 'model.offer_ai.landed_events' in selected_resources else 'select 1') }}
{% endmacro %}
