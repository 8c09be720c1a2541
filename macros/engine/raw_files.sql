{#- How each engine finds and reads raw event files. -#}

{#-
The files that OFFER_AI_EVENTS names, as a relation: source_file, size (bytes) and
modified_us (microseconds since 1970).
-#}
{% macro listed_files() -%}
    {{ return(adapter.dispatch('listed_files')()) }}
{%- endmacro %}

{% macro duckdb__listed_files() -%}
    {%- set events = env_var('OFFER_AI_EVENTS', 'data/events') -%}
    (
        select unnest(listed_files(
            {{ dbt.string_literal(dbt.escape_single_quotes(events)) }}
        ), recursive := true)
    )
{%- endmacro %}

{#-
How to read files: the rows of `files` (source_file and file_id) with digest (of
the file's bytes), read_path (the file itself or a copy of it as plain UTF-8
NDJSON), longest_line (bytes, an upper bound) and error (why the file cannot be
read, else null).
-#}
{% macro inspected_files(files) -%}
    {{ return(adapter.dispatch('inspected_files')(files)) }}
{%- endmacro %}

{% macro duckdb__inspected_files(files) -%}
    select
        *,
        unnest(inspected_file(source_file, file_id))
    from {{ files }}
{%- endmacro %}

{#- A digest of a file's bytes, as text; of a large file, of samples of them. -#}
{% macro file_digest(path) -%}
    {{ return(adapter.dispatch('file_digest')(path)) }}
{%- endmacro %}

{% macro duckdb__file_digest(path) -%}
    file_digest({{ path }})
{%- endmacro %}

{#-
The raw lines of files, parsed: one row per line that is not blank, with
`source_file` and one text column per raw name, all null for a line that is not a
JSON object. With `numbered`, rows come with `line_ordinal`, counting each file's
lines that are not blank from 1. `files` is a list of read_path; may be empty.
-#}
{% macro raw_events(files, longest_line, numbered=false) -%}
    {{ return(adapter.dispatch('raw_events')(files, longest_line, numbered)) }}
{%- endmacro %}

{% macro duckdb__raw_events(files, longest_line, numbered) -%}
    {%- if files %}
    select
        filename as read_path,
        {%- if numbered %}
        row_number() over () as read_ordinal,
        {%- endif %}
        {%- for name in raw_names() %}
        {{ quoted(name) }}{{ ',' if not loop.last }}
        {%- endfor %}
    from read_json(
        [
            {%- for file in files %}
            {{ dbt.string_literal(dbt.escape_single_quotes(glob_literal(file))) }}
            {{- ',' if not loop.last }}
            {%- endfor %}
        ],
        format = 'newline_delimited',
        columns = {
            {%- for name in raw_names() %}
            {{ dbt.string_literal(dbt.escape_single_quotes(name)) }}: 'varchar'
            {{- ',' if not loop.last }}
            {%- endfor %}
        },
        ignore_errors = true,
        filename = true,
        maximum_object_size = {{ [longest_line, 16777216] | max }}
    )
    {%- else %}
    select
        cast(null as varchar) as read_path,
        {%- if numbered %}
        cast(null as bigint) as read_ordinal,
        {%- endif %}
        {%- for name in raw_names() %}
        cast(null as varchar) as {{ quoted(name) }}{{ ',' if not loop.last }}
        {%- endfor %}
    where false
    {%- endif %}
{%- endmacro %}

{#- A path that a glob pattern matches literally. -#}
{% macro glob_literal(path) -%}
    {{ return(modules.re.sub('([*?\\[])', '[\\1]', path)) }}
{%- endmacro %}

{#-
The text of lines, as a relation: read_path, line_ordinal, line_number (counting
blank lines too), raw_line and is_utf8. `lines` is a relation of read_path and
line_ordinal.
-#}
{% macro texts_of_lines(lines) -%}
    {{ return(adapter.dispatch('texts_of_lines')(lines)) }}
{%- endmacro %}

{% macro duckdb__texts_of_lines(lines) -%}
    select
        read_path,
        unnest(
            lines_of_file(read_path, list(line_ordinal)), recursive := true
        )
    from {{ lines }}
    group by read_path
{%- endmacro %}
