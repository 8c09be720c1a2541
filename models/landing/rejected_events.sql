{{ config(
    pre_hook=[
        "{{ delete_first('source_file in (select source_file from ' ~ ref('new_files') ~ ')'
            ~ ' or source_file not in (' ~ whole_files() ~ ')') }}",
        "set preserve_insertion_order = true",
    ],
    post_hook="reset preserve_insertion_order"
) }}
{%- set files = files_to_read(rejects_in=ref('landed_events')) -%}
{%- set raw_line = 'case when erased_lines.read_path is null then texts.raw_line end as raw_line'
    if erased_users() else 'texts.raw_line' -%}
{%- set is_erased = 'erased_lines.read_path is not null' if erased_users() else 'false' -%}

with

new_files as (
    select * from {{ ref('new_files') }}
),

raw_events as (
    {{ raw_events(files, numbered=true) }}
),

placed_events as (
    select
        raw_events.*,
        new_files.landed_at
    from raw_events
    inner join new_files on raw_events.read_path = new_files.read_path
),

validated_events as (
    {{ validated_events('placed_events', keep=['read_path', 'read_ordinal'], reasons=true) }}
),

numbered_lines as (
    select
        read_path,
        reject_reason,
        is_rejected,
        read_ordinal - min(read_ordinal) over (partition by read_path) + 1
            as line_ordinal
    from validated_events
),

rejected_lines as (
    select * from numbered_lines
    where is_rejected
),

texts as (
    {{ texts_of_lines('rejected_lines') }}
),

{% if erased_users() -%}
-- A line may be too broken to say whose it is: any text in it may be an erased user's id.
texts_in_lines as (
    select
        read_path,
        line_ordinal,
        {{ rows_of(texts_in('raw_line')) }} as text_in_line
    from texts
),

marked_texts as (
    {{ marked_as_erased('texts_in_lines', 'text_in_line') }}
),

erased_lines as (
    select distinct
        read_path,
        line_ordinal
    from marked_texts
    where is_erased
),
{%- endif %}

rejected_texts as (
    select
        new_files.source_file,
        texts.line_number,
        {{ raw_line }},
        case
            when {{ is_erased }} then 'the user was erased'
            when not texts.is_utf8 then 'line is not valid UTF-8'
            when
                not {{ is_json_object('texts.raw_line') }}
                and {{ contains_match('texts.raw_line', '[}][ ,]*[{]') }}
                then 'line is not a JSON object; it seems to hold several'
            when not {{ is_json_object('texts.raw_line') }}
                then 'line is not a JSON object'
            else rejected_lines.reject_reason
        end as reason,
        new_files.landed_at
    from rejected_lines
    inner join texts
        on
            rejected_lines.read_path = texts.read_path
            and rejected_lines.line_ordinal = texts.line_ordinal
    inner join new_files on rejected_lines.read_path = new_files.read_path
    {%- if erased_users() %}
    left join erased_lines
        on
            texts.read_path = erased_lines.read_path
            and texts.line_ordinal = erased_lines.line_ordinal
    {%- endif %}
),

rejected_files as (
    select
        source_file,
        cast(null as bigint) as line_number,
        cast(null as {{ dbt.type_string() }}) as raw_line,
        'file cannot be read: ' || error as reason,
        landed_at
    from new_files
    where error is not null
)

select * from rejected_texts
union all
select * from rejected_files
{%- if is_executing() and is_reread() %}
union all
select
    source_file,
    line_number,
    raw_line,
    reason,
    landed_at
from {{ this }}
where source_file in (
    select landed.source_file from {{ landed_before() }} as landed
    where landed.file_id in ({{ kept_files() }})
)
{%- endif %}
