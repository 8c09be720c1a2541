with

lines as (
    select
        coalesce(sum(line_count), 0) as line_count,
        coalesce(sum(rejected_count), 0) as rejected_count
    from {{ ref('landed_files') }}
    where file_id > {{ last_built_file_of_landing() }}
)

select * from lines
where
    line_count >= 1000
    and rejected_count > {{ var('most_rejects').fail }} * line_count
