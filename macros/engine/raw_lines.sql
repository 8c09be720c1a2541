{#- How each engine reads the lines of raw event files. -#}

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
