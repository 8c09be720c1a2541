{#- What a build has to read; used by the models that read raw files. -#}

{#-
Which files to read, as a dict: `paths`, their read_path as a list, `of_other_case`, those
of them whose fields are spelt in another case, and `longest_line`, a bound in bytes. With
`rejects_in`, only the files that have a rejected line in that relation.
-#}
{% macro files_to_read(rejects_in=none) %}
    {% set new_files = ref('new_files') %}
    {% if not is_executing() or flags.EMPTY %}
        {{ return({'paths': [], 'of_other_case': [], 'longest_line': 0}) }}
    {% endif %}
    {% set rows = run_query(
        'select read_path, longest_line, has_other_case from ' ~ new_files ~ ' as new_files'
        ~ ' where error is null'
        ~ (' and file_id in (select file_id from ' ~ rejects_in ~ ' where is_rejected'
           ~ ' and not coalesce(is_erased, false)'
           ~ ' and file_id >= (select min(file_id) from ' ~ new_files ~ '))'
           if rejects_in else '')
        ~ ' order by file_id'
    ).rows %}
    {% set lengths = rows | map(attribute=1) | map('int') | list %}
    {{ return({
        'paths': rows | map(attribute=0) | list,
        'of_other_case': rows | selectattr(2) | map(attribute=0) | list,
        'longest_line': lengths | max if lengths else 0,
    }) }}
{% endmacro %}

{#-
Says in one sentence when OFFER_AI_EVENTS names no file, or one that cannot be listed: before
anything has landed it is an error, after it what has landed stays.
-#}
{% macro require_files() %}
    {% if not is_executing() or events_table() %}{{ return('') }}{% endif %}
    {% set place = "OFFER_AI_EVENTS='" ~ env_var('OFFER_AI_EVENTS', 'data/events') ~ "'" %}
    {% set problem = run_query(list_events(first_name_to_list())).columns[0].values()[0] %}
    {% if problem %}
        {% do exceptions.raise_compiler_error(place ~ ' cannot be listed: ' ~ problem ~ '.') %}
    {% elif run_query('select count(*) from ' ~ listed_files()).columns[0].values()[0] > 0 %}
        {{ return('') }}
    {% endif %}
    {% set sentence = 'No event file at ' ~ place ~ '. ' %}
    {% if last_whole_file() %}
        {% if first_name_to_list() == 'null' %}
            {% do exceptions.warn(sentence ~ 'What has landed stays.') %}
        {% endif %}
    {% else %}
        {% do exceptions.raise_compiler_error(
            sentence ~ 'Set OFFER_AI_EVENTS to a file, a directory, a glob or an s3:// or gs:// '
            ~ 'URL of lines of JSON or Parquet, plain, gzip or zstd, or run `make sample` for '
            ~ 'sample events.') %}
    {% endif %}
{% endmacro %}

{#-
Behind which name to look for new files, as SQL, where `new_names_sort_last` says that what
is new sorts behind what has landed; else null. A file that could not be fetched is listed
again, and for a re-read every one, as where `missing_files` is `forget`.
-#}
{% macro first_name_to_list() %}
    {% set landed_files = landed_before() %}
    {% set events = env_var('OFFER_AI_EVENTS', 'data/events') %}
    {% if not var('new_names_sort_last') or landed_files is none or is_reread()
        or var('missing_files') == 'forget'
        or not modules.re.match('(s3|gs)://', events) %}
        {{ return('null') }}
    {% endif %}
    {% set place = folder_of(events) %}
    {% set is_below = 'substr(source_file, 1, ' ~ place | length ~ ') = ' ~ text_literal(place) %}
    {{ return('(select max(source_file) from ' ~ landed_files ~ ' where ' ~ is_below
        ~ ' and source_file < coalesce((select min(source_file) from ' ~ landed_files
        ~ ' where error is not null and modified_us = 0 and ' ~ is_below
        ~ "), source_file || ' '))") }}
{% endmacro %}

{#- What all names that a URL or a glob stands for begin with. -#}
{% macro folder_of(url) %}
    {% set literal = modules.re.split('[*?\\[]', url)[0] %}
    {{ return(literal if literal != url or url.endswith('/') else url ~ '/') }}
{% endmacro %}

{#- Names the files that have changed since they landed; they are not read again. -#}
{% macro warn_of_changed_files() %}
    {% set landed_files = landed_before() %}
    {% if landed_files is none or is_reread() or events_table() %}{{ return('') }}{% endif %}
    {% set changed = run_query(
        'select listed.source_file from ' ~ listed_files() ~ ' as listed'
        ~ ' inner join ' ~ landed_files ~ ' as landed'
        ~ ' on listed.source_file = landed.source_file'
        ~ ' where landed.error is null'
        ~ ' and case when listed.size <> landed.size'
        ~ ' or listed.modified_us <> landed.modified_us'
        ~ ' then ' ~ file_digest('listed.source_file') ~ ' is distinct from landed.digest end'
        ~ ' order by listed.source_file').columns[0].values() %}
    {% for name in changed %}
        {% do exceptions.warn(
            name ~ ' has changed since it landed and is not read again. Put what is new '
            ~ 'in a file of another name: events that landed before are not counted twice. If it corrects '
            ~ 'what has landed, read all files again: `dbt build --full-refresh --vars '
            ~ '"{reread_files: true, missing_files: forget}"`, which forgets those that are gone.') %}
    {% endfor %}
{% endmacro %}

{#-
The file_id of a listed file, a SQL expression over `listed_files` and, if any has landed,
`landed_files`: that under which it landed, or the next.
-#}
{% macro place_of_file(landed_files) -%}
    {%- set next = 'row_number() over (order by listed_files.source_file)' -%}
    {%- if landed_files is none -%} {{ next }}
    {%- else -%}
        coalesce(
            case when landed_files.error is null then landed_files.file_id end,
            (select coalesce(max(file_id), 0) from {{ landed_files }}) + {{ next }}
        )
    {%- endif -%}
{%- endmacro %}

{#- When a listed file landed, likewise: then, or with this build. -#}
{% macro landing_of_file(landed_files) -%}
    {%- if landed_files is none -%} {{ build_started_at() }}
    {%- else -%}
        coalesce(
            case when landed_files.error is null then landed_files.landed_at end,
            {{ build_started_at() }}
        )
    {%- endif -%}
{%- endmacro %}
