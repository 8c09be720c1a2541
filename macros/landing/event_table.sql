{#-
A table as the source of events. Its rows are taken in batches by a loading time that it
carries (`events_loaded_at`): each batch reads from the latest loading time that has landed,
less `events_overlap_hours`, and leaves out the rows that landed from there before.
-#}

{#- The name of the table that events come from, as it was given; none where they come from files. -#}
{% macro events_table() %}
    {% set place = env_var('OFFER_AI_EVENTS', 'data/events') %}
    {#- A name lands with every batch, and is in all that dbt writes down. -#}
    {% if modules.re.search('^(s3|gs)://[^/]*@|^table:.*(://|=)', place)
          or modules.re.search('://|=', var('events_table') or '') %}
        {% do exceptions.raise_compiler_error('OFFER_AI_EVENTS, or the var `events_table`, holds a '
            ~ 'connection string or a password, where it names files or a table: what opens them belongs '
            ~ 'into the environment of AWS or into profiles.yml (docs/sources.md).') %}
    {% endif %}
    {{ return(var('events_table') or (place[6:] if place.startswith('table:') else none)) }}
{% endmacro %}

{#- Whether a landed file is a batch of this table, as a SQL predicate over `source_file`. -#}
{% macro is_batch(source_file='source_file') %}
    {% set name = 'table:' ~ (events_table() or '') ~ ', batch ' %}
    {{ return('substr(' ~ source_file ~ ', 1, ' ~ name | length ~ ') = ' ~ text_literal(name)) }}
{% endmacro %}

{#- The latest loading time that has landed of the table, in microseconds; none before the first. -#}
{% macro last_loaded_us() %}
    {% set landed_files = landed_before() %}
    {% if landed_files is none %}{{ return(none) }}{% endif %}
    {{ return(run_query('select max(modified_us) from ' ~ landed_files
        ~ ' where ' ~ is_batch()).columns[0].values()[0]) }}
{% endmacro %}

{#- The overlap of two batches, in microseconds. -#}
{% macro overlap_us() %}
    {{ return(unit_microseconds('hour', var('events_overlap_hours'))) }}
{% endmacro %}

{#-
Says in one sentence what is missing of the table, and warns of rows that no batch takes: those
without a loading time, and those whose time is still to come.
-#}
{% macro require_event_table() %}
    {% if not is_executing() %}{{ return('') }}{% endif %}
    {% set table = source('raw', 'events') %}
    {% set loaded_at, json = var('events_loaded_at'), var('events_json') %}
    {% set name = "OFFER_AI_EVENTS='table:" ~ events_table() ~ "'" %}
    {% if load_relation(table) is none %}
        {% do exceptions.raise_compiler_error(name ~ ': there is no such table. Name one of this '
            ~ 'database as schema.table, one of an attached database as database.schema.table.') %}
    {% endif %}
    {% set types = {} %}
    {% for column in adapter.get_columns_in_relation(table) %}
        {% do types.update({column.name: column.dtype | lower}) %}
    {% endfor %}
    {% set wrong = [] %}
    {% if loaded_at not in types %}
        {% do wrong.append('it has no column ' ~ (loaded_at or '') ~ ' of the time at which a row was '
            ~ 'loaded; name it with the var `events_loaded_at`') %}
    {% elif not modules.re.match('timestamp|date', types[loaded_at]) %}
        {% do wrong.append(loaded_at ~ ' is ' ~ types[loaded_at] ~ ' and no timestamp: batches are '
            ~ 'taken by it; give the table, or a view of it, one that is') %}
    {% elif json and json not in types %}
        {% do wrong.append('it has no column ' ~ json ~ ' (the var `events_json`)') %}
    {% endif %}
    {% if wrong %}
        {% do exceptions.raise_compiler_error(
            name ~ ': ' ~ wrong[0] ~ '. Its columns: ' ~ types | join(', ') ~ '.') %}
    {% endif %}
    {% set left_out = run_query('select count(*) from ' ~ table ~ ' where ' ~ quoted(loaded_at)
        ~ ' is null or cast(' ~ quoted(loaded_at) ~ ' as timestamp) > ' ~ build_started_at()
        ).columns[0].values()[0] %}
    {% if left_out %}
        {% do exceptions.warn(name ~ ': ' ~ left_out ~ ' rows are not read, as their ' ~ loaded_at
            ~ ' is null or still to come.') %}
    {% endif %}
{% endmacro %}

{#-
Whether, where rows would be read again for another vocabulary, those that landed stay as they
were read: some of them are gone, and `missing_files` is `keep`.
-#}
{% macro keeps_batches() %}
    {{ return(var('missing_files') == 'keep' and lost_rows() > 0) }}
{% endmacro %}

{#- How many rows of the table's batches, of those to be read again, it no longer has. -#}
{% macro lost_rows() %}
    {% set landed = run_query('select coalesce(sum(line_count), 0), max(modified_us) from '
        ~ landed_before() ~ ' where ' ~ is_batch()).rows[0] %}
    {% if not landed[0] %}{{ return(0) }}{% endif %}
    {% set there = run_query('select count(*) from ' ~ source('raw', 'events') ~ ' where cast('
        ~ quoted(var('events_loaded_at')) ~ ' as timestamp) <= '
        ~ from_microseconds(landed[1])).columns[0].values()[0] %}
    {{ return([landed[0] | int - there, 0] | max) }}
{% endmacro %}

{#-
The rows of the table that this build takes, each once, as a query of loaded_at and raw_line,
the row as JSON; where its columns are read, of their `fields` too. Within the overlap a row has
landed before when one of the same loading time and text has; of equal ones as many have as
`landed_rows` counts.
-#}
{% macro rows_to_land() %}
    {% set table, landed_rows = source('raw', 'events'), source('landed_before', 'landed_rows') %}
    {% set loaded_at = quoted(var('events_loaded_at')) %}
    {% set last_us = none %}
    {% if is_executing() and not (is_reread() and not keeps_batches()) %}
        {% set last_us = last_loaded_us() %}
    {% endif %}
    {% set landed_rows = load_cached_relation(as_configured(landed_rows.identifier))
        if is_executing() else none %}
    with raw_rows as (
        select
            cast({{ loaded_at }} as timestamp) as loaded_at,
            {%- if reads_columns() %}
            {{ fields_of_row(table) }} as fields,
            {%- endif %}
            {{ row_as_json(table, var('events_json')) }} as raw_line
        from {{ table }}
        where
            cast({{ loaded_at }} as timestamp) <= {{ build_started_at() }}
            {%- if last_us is not none %}
            and {{ loaded_at }} >= {{ from_microseconds(last_us - overlap_us()) }}
            {%- endif %}
            {%- if flags.EMPTY %} and false{% endif %}
    )
    {%- if last_us is none %}
    select * from raw_rows
    {%- else %},
    overlap_rows as (
        select
            *,
            row_number() over (partition by loaded_at, row_digest order by loaded_at) as copy_number
        from (
            select *, {{ row_digest() }} as row_digest from raw_rows
            where loaded_at <= {{ from_microseconds(last_us) }}
        ) as digested
    ),
    landed as (
        {%- if landed_rows is none %}
        select cast(null as timestamp) as loaded_at, '' as row_digest, 0 as row_count where false
        {%- else %}
        select loaded_at, row_digest, sum(row_count) as row_count from {{ landed_rows }}
        where file_id in (select file_id from {{ landed_before() }} where {{ is_batch() }})
        group by loaded_at, row_digest
        {%- endif %}
    )
    select * from raw_rows where loaded_at > {{ from_microseconds(last_us) }}
    union all
    select
        overlap_rows.loaded_at,
        {%- if reads_columns() %}
        overlap_rows.fields,
        {%- endif %}
        overlap_rows.raw_line
    from overlap_rows
    left join landed
        on overlap_rows.loaded_at = landed.loaded_at and overlap_rows.row_digest = landed.row_digest
    where overlap_rows.copy_number > coalesce(landed.row_count, 0)
    {%- endif %}
{% endmacro %}

{#-
Whether the rows that this build takes may be read where they lie: none has landed, so nothing is
left out, and nobody else writes to the table while this database is built.
-#}
{% macro are_rows_at_hand() %}
    {% set table = load_relation(source('raw', 'events')) %}
    {{ return(table.is_table and table.database == target.database
        and (is_reread() and not keeps_batches() or last_loaded_us() is none)) }}
{% endmacro %}

{#-
The rows that this build takes, as a relation. Numbers are given to one row after the other: who
needs none and has the rows at hand reads them side by side, and a filter goes below.
-#}
{% macro taken_rows(numbered=false) %}
    {{ return(ref('new_rows') if numbered or not is_executing() or not are_rows_at_hand()
        else '(' ~ rows_to_land() ~ ')') }}
{% endmacro %}

{#- Which rows of `landed_rows` no later batch asks for, as a SQL predicate. -#}
{% macro rows_to_forget() %}
    {% set last_us = last_loaded_us() if is_executing() else none %}
    {{ return('file_id > ' ~ last_whole_file() ~ (' or loaded_at < '
        ~ from_microseconds(last_us - overlap_us()) if last_us is not none else '')) }}
{% endmacro %}

{#- A digest of a row's text, over `raw_line`. -#}
{% macro row_digest() -%}
    md5(coalesce(raw_line, '-'))
{%- endmacro %}

{#- The batch that this build lands, as `new_files` has it: one row, none without new rows. -#}
{% macro new_batch() %}
    {% set landed_files = landed_before() %}
    {% set last = '0' if landed_files is none
        else '(select coalesce(max(file_id), 0) from ' ~ landed_files ~ ')' %}
    select
        batch.*,
        batch.source_file as read_path,
        cast(null as {{ dbt.type_string() }}) as digest,
        cast(null as {{ dbt.type_string() }}) as error,
        cast(0 as bigint) as longest_line,
        false as has_other_case,
        true as is_reached
    from (
        select
            {{ last }} + 1 as file_id,
            {{ text_literal('table:' ~ events_table() ~ ', batch ') }}
            || cast({{ last }} + 1 as {{ dbt.type_string() }}) || ': '
            || cast(min(loaded_at) as {{ dbt.type_string() }}) || ' to '
            || cast(max(loaded_at) as {{ dbt.type_string() }}) as source_file,
            count(*) as size,
            max({{ microseconds('loaded_at') }}) as modified_us,
            {{ build_started_at() }} as landed_at
        from {{ ref('new_rows') }}
        having count(*) > 0
    ) as batch
{% endmacro %}
