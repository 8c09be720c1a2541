{#- How each engine finds and reads raw event files. -#}

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

{#-
The raw lines of files, parsed: one row per line that is not blank, with `read_path` and
one text column per raw name, all null for a line that is not a JSON object. A field whose
name is there in another case alone is found where the line lacks a required one, or lies
in a file that is known for it.

- files: as files_to_read yields
- numbered: rows come in order, with `read_ordinal`, which counts the lines of all files
-#}
{% macro raw_events(files, numbered=false) -%}
    {#- Bound here: dbt sees a `ref` only where it is called while the project is parsed. -#}
    {%- if events_table() %}{% do ref('new_rows') %}{% endif -%}
    {{ return(adapter.dispatch('raw_events', 'offer_ai')(files, numbered)) }}
{%- endmacro %}

{#-
Each line is one JSON value or null, whatever the lines around it are; `read_json` with
columns is a fifth faster and reads on past a line's end.
-#}
{% macro duckdb__raw_events(files, numbered) -%}
    {%- set tree = raw_tree() -%}
    {%- if not files.paths %}
    select
        cast(null as varchar) as read_path,
        {%- if numbered %}
        cast(null as bigint) as read_ordinal,
        {%- endif %}
        {%- for name in raw_names() %}
        cast(null as varchar) as {{ quoted(name) }}{{ ',' if not loop.last }}
        {%- endfor %}
    where false
    {%- else %}
    {%- set fields = shape_below(tree) -%}
    select
        read_path,
        {%- if numbered %}
        read_ordinal,
        {%- endif %}
        {%- for name in raw_names() %}
        {{ raw_value('raw', tree, name) }} as {{ quoted(name) }}{{ ',' if not loop.last }}
        {%- endfor %}
    {%- if reads_columns() %}
    from (
        select
            {{ text_literal(files.paths[0]) }} as read_path,
            {%- if numbered %}
            line_number as read_ordinal,
            {%- endif %}
            fields as raw
        from {{ taken_rows(numbered) }} as taken_rows
    ) as found
    {%- else %}
    from (
        select
            * exclude (raw),
            case
                when
                    (
                        {%- for names in required_raw_names() %}
                        {{ first_raw_value('raw', tree, names) }} is null or
                        {%- endfor %}
                        read_path in ({{ literals(files.of_other_case) }})
                    ) and json_type(json) = 'OBJECT'
                    then {{ any_case('json', fields) }}
                {%- if has_paths(fields) %}
                when {{ holds_json_text('json', fields) }}
                    then {{ unpacked('json', 'raw', fields) }}
                {%- endif %}
                else raw
            end as raw
        from (
            select
                filename as read_path,
                {%- if numbered %}
                {{ 'line_number' if events_table() else 'row_number() over ()' }} as read_ordinal,
                {%- endif %}
                json,
                from_json(json, {{ text_literal(json_shape(fields)) }}) as raw
            {%- if events_table() %}
            from (
                select
                    {{ text_literal(files.paths[0]) }} as filename,
                    {%- if numbered %}
                    line_number,
                    {%- endif %}
                    case when json_valid(raw_line) then cast(raw_line as json) end as json
                from {{ taken_rows(numbered) }} as taken_rows
            )
            {%- else %}
            from read_json_objects(
                [{{ literals(glob_literals(files.paths)) }}],
                format = 'newline_delimited',
                ignore_errors = true,
                filename = true,
                hive_partitioning = false,
                maximum_object_size = {{ [files.longest_line, 16777216] | max }}
            )
            {%- endif %}
        ) as parsed
    ) as found
    {%- endif %}
    {%- endif %}
{%- endmacro %}

{#- Texts as SQL literals, a list. Never empty: nothing equals null. -#}
{% macro literals(texts) -%}
    {%- set found = [] -%}
    {%- for text in texts %}{% do found.append(text_literal(text)) %}{% endfor -%}
    {{ found | join(', ') or 'null' }}
{%- endmacro %}

{#- Each line is text first: one that is no JSON object has no fields. -#}
{% macro spark__raw_events(files, numbered) -%}
    {%- set tree = raw_tree() -%}
    {%- set fields = shape_below(tree) -%}
    select
        read_path,
        {%- if numbered %}
        line_ordinal as read_ordinal,
        {%- endif %}
        {%- for name in raw_names() %}
        {{ raw_value('raw', tree, name) }} as {{ quoted(name) }}{{ ',' if not loop.last }}
        {%- endfor %}
    from (
        select
            *,
            case
                when not is_object then null
                when
                    {%- for names in required_raw_names() %}
                    {{ 'or ' if not loop.first }}{{ first_raw_value('parsed', tree, names) }} is null
                    {%- endfor %}
                    then {{ any_case('raw_line', fields) }}
                {%- if has_paths(fields) %}
                when {{ holds_json_text('raw_line', fields) }}
                    then {{ unpacked('raw_line', 'parsed', fields) }}
                {%- endif %}
                else parsed
            end as raw
        from (
            select
                *,
                case
                    when is_object
                        then from_json(raw_line, {{ text_literal(json_shape(fields)) }})
                end as parsed
            from (
                select
                    *,
                    {{ is_json_object('raw_line') }} and is_valid_utf8(raw_line) as is_object
                from ({{ raw_lines(files.paths, numbered) }}) as raw_lines
            ) as told
        ) as read
    ) as found
{%- endmacro %}

{#-
Spark: the lines of files that are not blank: read_path, raw_line and, when `numbered`,
line_number (from 1, with blank lines) and line_ordinal (without). A .json file is read
whole: it may be one array.
-#}
{% macro raw_lines(files, numbered=false) -%}
    {%- if events_table() -%}
        {{ return('select ' ~ text_literal(files[0] if files else '') ~ ' as read_path, line_number, '
            ~ 'raw_line, line_number as line_ordinal from ' ~ ref('new_rows')
            ~ ('' if files else ' where false')) }}
    {%- endif -%}
    {%- set parquets, wholes, others = [], [], [] -%}
    {%- for file in files -%}
        {%- do (parquets if file.endswith('.parquet')
            else wholes if modules.re.search('[.]json([.]gz)?$', file)
            else others).append(file) -%}
    {%- endfor -%}
    select
        *
        {%- if numbered %},
        row_number() over (partition by read_path order by line_number) as line_ordinal
        {%- endif %}
    from (
        {%- if not files %}
        select
            cast(null as string) as read_path,
            cast(null as int) as line_number,
            cast(null as string) as raw_line
        where false
        {%- endif %}
        {%- if others %}
        select
            read_path,
            {%- if numbered %}
            row_number() over (partition by read_path order by block_start, place)
            {%- else %}
            cast(null as int)
            {%- endif %} as line_number,
            raw_line
        from (
            select
                {{ path_of_row() }} as read_path,
                {%- if numbered %}
                -- A file may be read in blocks, each in order.
                _metadata.file_block_start as block_start,
                monotonically_increasing_id() as place,
                {%- endif %}
                {{ without_mark('value') }} as raw_line
            from {{ landing_relation('raw_text_lines') }}
            where {{ is_among(others) }}
        ) as lines
        {{ 'union all' if wholes or parquets }}
        {%- endif %}
        {%- if wholes %}
        select
            read_path,
            line_index + 1 as line_number,
            case when line like '%\r' then rtrim('\r', line) else line end as raw_line
        from (
            select
                {{ path_of_row() }} as read_path,
                posexplode(coalesce(
                    case
                        when not {{ is_one_json('text') }} then null
                        when text rlike '^\\s*\\[' then from_json(text, 'array<string>')
                        else array(trim(translate(text, '\r\n', '  ')))
                    end,
                    split(text, '\n')
                )) as (line_index, line)
            from (
                select
                    _metadata,
                    {{ without_mark('value') }} as text
                from {{ landing_relation('raw_texts') }}
                where {{ is_among(wholes) }}
            ) as marked
        ) as texts
        {{ 'union all' if parquets }}
        {%- endif %}
        {%- for file in parquets %}
        select
            {{ text_literal(file) }} as read_path,
            {{ '_metadata.row_index + 1' if numbered else 'cast(null as int)' }} as line_number,
            to_json(struct(*), {{ times_in_full() }}) as raw_line
        from parquet.`{{ modules.re.sub('([*?{}\\[\\]\\\\])', '\\\\\\1', file) | replace('`', '``') }}`
        {{ 'union all' if not loop.last }}
        {%- endfor %}
    ) as every_line
    where trim(raw_line) <> ''
{%- endmacro %}

{#- Spark: text without a byte order mark; other text as it is, be it valid UTF-8 or not. -#}
{% macro without_mark(text) -%}
    case
        when {{ text }} rlike '^\uFEFF' then regexp_replace({{ text }}, '^\uFEFF', '')
        else {{ text }}
    end
{%- endmacro %}

{#- Spark: the path of the file that a row is of; Spark says it as a URL, with `%20` for a blank. -#}
{% macro path_of_row() -%}
    regexp_replace(url_decode(replace(_metadata.file_path, '+', '%2B')), '^file:/*', '/')
{%- endmacro %}

{#- Spark: whether a row is of one of the files; no other is read then. -#}
{% macro is_among(files) -%}
    {{ path_of_row() }} in ({{ literals(files) }})
{%- endmacro %}

{#- Paths that glob patterns match literally, as a list. -#}
{% macro glob_literals(paths) -%}
    {%- set patterns = [] -%}
    {%- for path in paths %}{% do patterns.append(modules.re.sub('([*?\\[])', '[\\1]', path)) %}{% endfor -%}
    {{ return(patterns) }}
{%- endmacro %}

{#-
The text of lines, as a relation: read_path, line_ordinal, line_number (counting
blank lines too), raw_line and is_utf8. `lines` is a relation of read_path and
line_ordinal.
-#}
{% macro texts_of_lines(lines) -%}
    {%- if events_table() -%}
        {{ return('select lines.read_path, lines.line_ordinal, new_rows.line_number, '
            ~ 'new_rows.raw_line, true as is_utf8 from ' ~ lines ~ ' as lines inner join '
            ~ ref('new_rows') ~ ' as new_rows on lines.line_ordinal = new_rows.line_number') }}
    {%- endif -%}
    {{ return(adapter.dispatch('texts_of_lines', 'offer_ai')(lines)) }}
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

{#- The lines are read again, all those of files with a reject. -#}
{% macro spark__texts_of_lines(lines) -%}
    select
        read_path,
        line_ordinal,
        cast(line_number as bigint) as line_number,
        raw_line,
        is_valid_utf8(raw_line) as is_utf8
    from ({{ raw_lines(files_to_read(rejects_in=ref('landed_events')).paths, numbered=true) }})
    where read_path in (select read_path from {{ lines }})
{%- endmacro %}

{#-
A row of a table as JSON text, an expression: the column `json`, if one is named, else all its
columns by name, each as the text that a JSON producer would send.
-#}
{% macro row_as_json(table, json) -%}
    {%- if json -%}
        {{ return('cast(' ~ quoted(json) ~ ' as ' ~ dbt.type_string() ~ ')') }}
    {%- endif -%}
    {{ return(adapter.dispatch('row_as_json', 'offer_ai')(table)) }}
{%- endmacro %}

{#-
What is null is left out, and so costs neither a byte nor a look at it.
-#}
{% macro duckdb__row_as_json(table) -%}
    {%- set members = [] -%}
    {%- for column in (adapter.get_columns_in_relation(table) if is_executing() else []) -%}
        {%- set value = quoted(column.name) if is_nested(column) else column_as_text(column) -%}
        {%- do members.append(text_literal(',' ~ tojson(column.name) ~ ':')
            ~ ' || to_json(' ~ value ~ ')::varchar') -%}
    {%- endfor -%}
    {{ return("'{' || substr(concat(" ~ members | join(', ') ~ "), 2) || '}'" if members
        else "'{}'") }}
{%- endmacro %}

{#- Whether a column of DuckDB holds values within values. -#}
{% macro is_nested(column) %}
    {% set type = column.dtype | upper %}
    {{ return(type == 'JSON' or type.endswith(']') or type.startswith('STRUCT') or type.startswith('MAP')) }}
{% endmacro %}

{#-
A column of DuckDB as the text of a field, as what Parquet is copied to: whole doubles without a
fraction, bytes decoded, values within values as JSON.
-#}
{% macro column_as_text(column) %}
    {% set name, type = quoted(column.name), column.dtype | upper %}
    {% if type in ('DOUBLE', 'FLOAT') %}
        {{ return('case when ' ~ name ~ ' = trunc(' ~ name ~ ') and abs(' ~ name
            ~ ') < 1e18 then ' ~ name ~ '::hugeint::varchar else ' ~ name ~ '::varchar end') }}
    {% elif type == 'BLOB' %}
        {{ return('coalesce(try(decode(' ~ name ~ ')), ' ~ name ~ '::varchar)') }}
    {% elif is_nested(column) %}
        {{ return("json_extract_string(to_json(" ~ name ~ "), '$')") }}
    {% endif %}
    {{ return(name ~ '::varchar') }}
{% endmacro %}

{#-
Whether the fields of events are columns of the table that they come from, none of which a path
leads into: then no JSON lies between, `new_rows` has them.
-#}
{% macro reads_columns() -%}
    {{ return(events_table() and not var('events_json') and adapter.dispatch('reads_columns', 'offer_ai')()) }}
{%- endmacro %}

{% macro default__reads_columns() -%}
    {{ return(false) }}
{%- endmacro %}

{% macro duckdb__reads_columns() -%}
    {{ return(not has_paths(shape_below(raw_tree()))) }}
{%- endmacro %}

{#- The raw names that a row of the table has, as a struct of text; the case of a column is no matter. -#}
{% macro fields_of_row(table) -%}
    {%- set columns, found = {}, {} -%}
    {%- for column in (adapter.get_columns_in_relation(table) if is_executing() else []) -%}
        {%- do columns.update({column.name | lower: column}) -%}
    {%- endfor -%}
    {%- for name in shape_below(raw_tree()) -%}
        {%- do found.update({name | lower: column_as_text(columns[name | lower])
            if name | lower in columns else 'cast(null as varchar)'}) -%}
    {%- endfor -%}
    {
        {%- for name, value in found.items() %}
        {{ text_literal(name) }}: {{ value }}{{ ',' if not loop.last }}
        {%- endfor %}
    }
{%- endmacro %}

{#- What is null is left out. Bytes would become base64. -#}
{% macro spark__row_as_json(table) -%}
    {%- set columns = [] -%}
    {%- for column in (adapter.get_columns_in_relation(table) if is_executing() else []) -%}
        {%- set name = quoted(column.name) -%}
        {%- do columns.append('cast(' ~ name ~ ' as string) as ' ~ name
            if column.dtype | lower == 'binary' else name) -%}
    {%- endfor -%}
    to_json(struct({{ columns | join(', ') or '*' }}), {{ times_in_full() }})
{%- endmacro %}

{#- Spark: how JSON has times with their microseconds, an argument of `to_json`. -#}
{% macro times_in_full() -%}
    map(
        'timestampFormat', {{ text_literal("yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX") }},
        'timestampNTZFormat', {{ text_literal("yyyy-MM-dd'T'HH:mm:ss.SSSSSS") }}
    )
{%- endmacro %}

{#- The window in which rows are numbered where any order does. -#}
{% macro any_order() -%}
    {{ return(adapter.dispatch('any_order', 'offer_ai')()) }}
{%- endmacro %}

{#- An order, be it by a constant, holds all rows before it numbers the first. -#}
{% macro duckdb__any_order() -%}
    ()
{%- endmacro %}

{#- Spark numbers rows one by one, in one task, whatever it is by. -#}
{% macro spark__any_order() -%}
    (order by loaded_at)
{%- endmacro %}
