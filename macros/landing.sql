{#- What a build has to read; used by the models that read raw files. -#}

{#-
The readable files of `landed_files` as a list of read_path, and the bound on
their longest line. With `rejects_in`, only the files that have a rejected line
in that relation.
-#}
{% macro readable_files(landed_files, rejects_in=none) %}
    {% if not execute %}
        {{ return({'paths': [], 'longest_line': 0}) }}
    {% endif %}
    {% set rows = run_query(
        'select read_path, longest_line from ' ~ landed_files
        ~ ' where error is null'
        ~ (' and source_file in (select source_file from ' ~ rejects_in
           ~ ' where reject_reason is not null)' if rejects_in else '')
        ~ ' order by source_file'
    ) %}
    {% set lengths = rows.columns[1].values() | list %}
    {{ return({
        'paths': rows.columns[0].values() | list,
        'longest_line': lengths | map('int') | max if lengths else 0,
    }) }}
{% endmacro %}

{#- Ends the build with one sentence when there is nothing to build from. -#}
{% macro require_files(landed_files) %}
    {% if execute
        and run_query('select count(*) from ' ~ landed_files).columns[0].values()[0] == 0 %}
        {% do exceptions.raise_compiler_error(
            "No event file at OFFER_AI_EVENTS='"
            ~ env_var('OFFER_AI_EVENTS', 'data/events')
            ~ "'. Set OFFER_AI_EVENTS to a file, a directory or a glob of .ndjson, "
            ~ ".jsonl, .json (also .gz, .zst) or .parquet files, or run "
            ~ "`make sample` for sample events."
        ) %}
    {% endif %}
{% endmacro %}
