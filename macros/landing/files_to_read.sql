{#- What a build has to read; used by the models that read raw files. -#}

{#-
Which files to read, as a dict: `paths`, their read_path as a list, and
`longest_line`, a bound in bytes. With `rejects_in`, only the files that have a
rejected line in that relation.
-#}
{% macro files_to_read(rejects_in=none) %}
    {% set new_files = ref('new_files') %}
    {% if not is_executing() %}
        {{ return({'paths': [], 'longest_line': 0}) }}
    {% endif %}
    {% set rows = run_query(
        'select read_path, longest_line from ' ~ new_files ~ ' as new_files'
        ~ ' where error is null'
        ~ (' and file_id in (select file_id from ' ~ rejects_in ~ ' where event_type is null'
           ~ ' and file_id >= (select min(file_id) from ' ~ new_files ~ '))'
           if rejects_in else '')
        ~ ' order by file_id'
    ) %}
    {% set lengths = rows.columns[1].values() | list %}
    {{ return({
        'paths': rows.columns[0].values() | list,
        'longest_line': lengths | map('int') | max if lengths else 0,
    }) }}
{% endmacro %}

{#- Ends the build with one sentence when OFFER_AI_EVENTS names no file. -#}
{% macro require_files() %}
    {% if is_executing()
        and run_query('select count(*) from ' ~ listed_files()).columns[0].values()[0] == 0 %}
        {% do exceptions.raise_compiler_error(
            "No event file at OFFER_AI_EVENTS='"
            ~ env_var('OFFER_AI_EVENTS', 'data/events')
            ~ "'. Set OFFER_AI_EVENTS to a file, a directory or a glob of .ndjson, "
            ~ ".jsonl, .json (also .gz, .zst) or .parquet files, or run "
            ~ "`make sample` for sample events."
        ) %}
    {% endif %}
{% endmacro %}

{#-
A pre-hook that deletes what an interrupted build landed, so that no file lands
twice: rows of files beyond those that `landed_files` lists. A full refresh makes
that list forget its files first, in the same transaction.
-#}
{% macro forget_unfinished_landing() %}
    {% set landed_files = load_relation(landing_relation('landed_files')) %}
    {% if not is_incremental() %}
        {{ return(delete_rows(landed_files, 'true') if landed_files is not none else 'select 1') }}
    {% endif %}
    {#- As a literal, the file is looked for in the newest part of the table alone. -#}
    {% set last_landed = 0 if landed_files is none else run_query(
        'select coalesce(max(file_id), 0) from ' ~ landed_files).columns[0].values()[0] %}
    {{ return(delete_rows(this, 'file_id > ' ~ last_landed)) }}
{% endmacro %}

{#- Names the files that have changed since they landed; they are not read again. -#}
{% macro warn_of_changed_files() %}
    {% set landed_files = previous_relation(source('landed_before', 'landed_files')) %}
    {% if landed_files is none %}{{ return('') }}{% endif %}
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
            ~ 'in a file of another name: events that landed before are not counted twice.') %}
    {% endfor %}
{% endmacro %}
