-- lines read = accepted + repetitions + rejected + erased, file by file.
with

events as (
    select file_id from {{ ref('stg_events') }}
    union all
    select file_id from {{ ref('excluded_events') }}
),

accepted as (
    select
        file_id,
        count(*) as line_count
    from events
    group by file_id
),

repetitions as (
    select
        file_id,
        count(*) as line_count
    from {{ ref('repeated_events') }}
    where delivery_number > 1
    group by file_id
),

rejected as (
    select
        source_file,
        count(line_number) as line_count
    from {{ ref('rejected_events') }}
    group by source_file
),

erased as (
    select
        file_id,
        count(*) as line_count
    from {{ ref('landed_events') }}
    where is_erased
    group by file_id
)

select
    landed_files.source_file,
    landed_files.line_count,
    accepted.line_count as accepted_count,
    repetitions.line_count as repetition_count,
    rejected.line_count as rejected_count,
    erased.line_count as erased_count
from {{ ref('landed_files') }} as landed_files
left join accepted on landed_files.file_id = accepted.file_id
left join repetitions on landed_files.file_id = repetitions.file_id
left join rejected on landed_files.source_file = rejected.source_file
left join erased on landed_files.file_id = erased.file_id
where
    landed_files.line_count
    <> coalesce(accepted.line_count, 0)
    + coalesce(repetitions.line_count, 0)
    + coalesce(rejected.line_count, 0)
    + coalesce(erased.line_count, 0)
