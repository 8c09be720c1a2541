{{ config(
    pre_hook=[
        "{{ delete_first('source_file in (select source_file from ' ~ ref('new_files') ~ ')') }}",
        "set preserve_insertion_order = true",
    ],
    post_hook="set preserve_insertion_order = false"
) }}
{%- set files = files_to_read(rejects_in=ref('landed_events')) -%}

with

new_files as (
    select * from {{ ref('new_files') }}
),

raw_events as (
    {{ raw_events(files.paths, files.longest_line, numbered=true) }}
),

validated_events as (
    {{ validated_events('raw_events', keep=['read_path', 'read_ordinal']) }}
),

numbered_lines as (
    select
        read_path,
        reject_reason,
        read_ordinal - min(read_ordinal) over (partition by read_path) + 1
            as line_ordinal
    from validated_events
),

rejected_lines as (
    select * from numbered_lines
    where reject_reason is not null
),

texts as (
    {{ texts_of_lines('rejected_lines') }}
),

rejected_texts as (
    select
        new_files.source_file,
        texts.line_number,
        texts.raw_line,
        case
            when not texts.is_utf8 then 'line is not valid UTF-8'
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
