{#- How each engine finds raw event files, and tells those that changed or are damaged. -#}

{#-
The files that OFFER_AI_EVENTS names, as a relation: source_file, size (bytes) and
modified_us (microseconds since 1970).
-#}
{% macro listed_files() -%}
    {%- if events_table() -%}
        {{ return("(select '' as source_file, 0 as size, 0 as modified_us where false)") }}
    {%- endif -%}
    {{ return(adapter.dispatch('listed_files', 'offer_ai')()) }}
{%- endmacro %}

{% macro duckdb__listed_files() -%}
    (select unnest(listed_files(), recursive := true))
{%- endmacro %}

{#-
Looks which files there are; all that a build asks of `listed_files` afterwards goes by that
one list. Yields why it cannot as a query of one text, else null. In object storage only
names that sort behind `after` (SQL for a URL, or null) are asked for.
-#}
{% macro list_events(after) -%}
    {{ return(adapter.dispatch('list_events', 'offer_ai')(after)) }}
{%- endmacro %}

{% macro duckdb__list_events(after) -%}
    select list_events({{ after }})
{%- endmacro %}

{#- A table over the files is their list. -#}
{% macro spark__list_events(after) -%}
    select cast(null as string)
{%- endmacro %}

{#- Clears away the copies of files that a build has made to read them, as a query. -#}
{% macro forget_copies() -%}
    {{ return(adapter.dispatch('forget_copies', 'offer_ai')()) }}
{%- endmacro %}

{% macro duckdb__forget_copies() -%}
    select forget_copies()
{%- endmacro %}

{#- Spark makes none. -#}
{% macro spark__forget_copies() -%}
    select 1
{%- endmacro %}

{#-
Tables over the files stand for the functions that read them on DuckDB. A directory's
files are taken with those below it, hidden ones left out.
-#}
{% macro spark__listed_files() -%}
    {%- if is_executing() %}
        {%- do table_over_files('raw_files', 'binaryFile') %}
        {%- do table_over_files('raw_texts', 'text', "wholetext 'true'") %}
        {%- do table_over_files('raw_text_lines', 'text') %}
    {%- endif -%}
    {{ files_in_tables() }}
{%- endmacro %}

{#- Spark: the files that `listed_files` has made tables over, as it yields them. -#}
{% macro files_in_tables() -%}
    (
        select
            regexp_replace(path, '^file:/*', '/') as source_file,
            length as size,
            unix_micros(modificationTime) as modified_us
        from {{ landing_relation('raw_files') }}
        where length > 0 and not path rlike '(^|/)([.][^/]*|_SUCCESS|[^/]*[.](crc|tmp|part))$'
    )
{%- endmacro %}

{#- Spark: makes a table over the files that OFFER_AI_EVENTS names anew. -#}
{% macro table_over_files(name, reader, options='', columns='') %}
    {% set path = text_literal(env_var('OFFER_AI_EVENTS', 'data/events')) %}
    {% do run_query('drop table if exists ' ~ landing_relation(name)) %}
    {% do run_query('create table ' ~ landing_relation(name) ~ columns ~ ' using ' ~ reader
        ~ ' options (path ' ~ path ~ ", recursiveFileLookup 'true'"
        ~ (', ' ~ options if options else '') ~ ')') %}
{% endmacro %}

{#-
How to read files: the rows of `files` (source_file and file_id) with digest (of the file's
bytes), read_path (the file itself or a copy of it as plain lines of JSON), longest_line
(bytes, an upper bound), has_other_case (whether its fields are spelt in another case than
declared, as far as was looked), error (why the file cannot be read, else null) and
is_reached (whether it was there to be read; if not, the next build tries again).
-#}
{% macro inspected_files(files) -%}
    {{ return(adapter.dispatch('inspected_files', 'offer_ai')(files)) }}
{%- endmacro %}

{% macro duckdb__inspected_files(files) -%}
    {%- set known = names_in_lines() -%}
    select
        * exclude (inspected),
        unnest(inspected)
    from (
        select
            *,
            inspected_file(
                source_file, file_id,
                [{{ literals(known[0]) }}], [{{ literals(known[1]) }}]
            ) as inspected
        from {{ files }}
    ) as files
{%- endmacro %}

{#- Spark reads files as they lie, no .zst; size and time tell whether one has changed. -#}
{% macro spark__inspected_files(files) -%}
    {%- set damaged = damaged_files() -%}
    select
        files.*,
        cast(null as string) as digest,
        files.source_file as read_path,
        cast(0 as bigint) as longest_line,
        false as has_other_case,
        case
            when lower(files.source_file) like '%.zst'
                then 'Spark does not decompress .zst; deliver it as .gz under another name'
            when files.source_file in ({{ literals(damaged.compressed) }})
                then 'it cannot be decompressed to its end: it is cut off, or is not what its name says'
            when files.source_file in ({{ literals(damaged.parquets) }})
                then 'it is no whole Parquet file'
        end as error,
        true as is_reached
    from {{ files }} as files
{%- endmacro %}

{#-
Spark: the new files that would end a build which reads them, as a dict of `compressed` and
`parquets`. One compressed of more than 16 MB, whose text would take too much memory, is not
looked into.
-#}
{% macro damaged_files() %}
    {% if not is_executing() or flags.EMPTY %}
        {{ return({'compressed': [], 'parquets': []}) }}
    {% endif %}
    {% set landed_files = landed_before() %}
    {% set rows = run_query(
        "select source_file, source_file like '%.parquet' from " ~ files_in_tables() ~ ' as listed'
        ~ " where (source_file like '%.parquet' or size <= 16777216"
        ~ " and lower(source_file) rlike '[.](gz|bz2|deflate|lz4|snappy)$')"
        ~ ('' if landed_files is none or is_reread()
            else ' and not exists (select 1 from ' ~ landed_files ~ ' as landed'
            ~ ' where landed.source_file = listed.source_file and (landed.error is null'
            ~ ' or landed.size = listed.size and landed.modified_us = listed.modified_us))')).rows %}
    {% set texts = rows | rejectattr(1) | map(attribute=0) | list %}
    {% set parquets = rows | selectattr(1) | map(attribute=0) | list %}
    {% set footless = parquets | reject('in', readable_files('parquet', 'no_column', parquets)) | list %}
    {# One of no rows looks damaged, but for its last bytes. #}
    {% set empty = run_query(
        'select ' ~ path_of_row() ~ ' from ' ~ landing_relation('raw_files') ~ ' where '
        ~ is_among(footless) ~ " and right(content, 4) = X'50415231'"
    ).columns[0].values() if footless else [] %}
    {{ return({
        'compressed': texts | reject('in', readable_files('text', 'value', texts,
            is_whole="(value <> '' or lower(_metadata.file_path) like '%.gz')")) | list,
        'parquets': footless | reject('in', empty) | list,
    }) }}
{% endmacro %}

{#-
Spark: those of the files that can be read to their end, a list. Spark passes over what it cannot
read if it is asked to, and does not say so of the lines before; but a text that is one row is
there or is not, and so are the rows that the end of a Parquet file counts. What is no snappy or
lz4 under that name Spark reads as an empty text; an empty .gz may be one.
-#}
{% macro readable_files(reader, column, files, is_whole='true') %}
    {% if not files %}{{ return([]) }}{% endif %}
    {% do table_over_files('whole_files', reader, "wholetext 'true', ignoreCorruptFiles 'true'",
        ' (' ~ column ~ ' string)') %}
    {% set found = run_query('select distinct ' ~ path_of_row() ~ ' from '
        ~ landing_relation('whole_files') ~ ' where ' ~ is_among(files) ~ ' and ' ~ is_whole) %}
    {% do run_query('drop table ' ~ landing_relation('whole_files')) %}
    {{ return(found.columns[0].values() | list) }}
{% endmacro %}

{#- A digest of a file's bytes, as text; of a large file, of samples of them. -#}
{% macro file_digest(path) -%}
    {{ return(adapter.dispatch('file_digest', 'offer_ai')(path)) }}
{%- endmacro %}

{% macro duckdb__file_digest(path) -%}
    file_digest({{ path }})
{%- endmacro %}

{#- Of a file of another size or time it is not known to be the same. -#}
{% macro spark__file_digest(path) -%}
    concat('unknown of ', {{ path }})
{%- endmacro %}
