{#- What a build that was killed while it landed files left behind. -#}

{#- The last file that has landed whole, as a number: 0 before the first. -#}
{% macro last_whole_file() %}
    {% set landed_files = landed_before() %}
    {{ return(0 if landed_files is none else run_query(
        'select coalesce(max(file_id), 0) from ' ~ landed_files).columns[0].values()[0]) }}
{% endmacro %}

{#- The files that have landed whole, as a query of source_file. -#}
{% macro whole_files() %}
    {% set landed_files = landed_before() %}
    {{ return('select source_file from ' ~ landed_files if landed_files is not none
        else "select '' as source_file where false") }}
{% endmacro %}

{#-
Whether this run has all that a file needs to count as landed; if it leaves a part out, the
next one lands the file.
-#}
{% macro lands_whole() %}
    {% if not is_executing() %}{{ return(true) }}{% endif %}
    {% for name in ['new_files', 'landed_events', 'repeated_events', 'rejected_events']
        + (['new_rows', 'landed_rows'] if events_table() else []) %}
        {% if 'model.offer_ai.' ~ name not in selected_resources %}
            {% do exceptions.warn('No new file counts as landed yet, as this run leaves out '
                ~ name ~ '. The next build lands them.') %}
            {{ return(false) }}
        {% endif %}
    {% endfor %}
    {{ return(true) }}
{% endmacro %}

{#- A pre-hook that deletes rows of files that did not land whole, so that none lands twice. -#}
{% macro forget_unfinished_landing() %}
    {#- As a literal, the file is looked for in the newest part of the table alone. -#}
    {{ return(delete_first('file_id > ' ~ last_whole_file())) }}
{% endmacro %}

{#- Whether repeats were found in files that did not land whole after all. -#}
{% macro has_unfinished_repeats() %}
    {{ return(is_executing() and is_incremental() and run_query(
        'select count(*) from ' ~ this ~ ' where file_id > ' ~ last_whole_file()
    ).columns[0].values()[0] > 0) }}
{% endmacro %}
