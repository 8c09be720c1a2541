{{ config(severity='warn') }}
{#- The lines of the files that no build has gone through with yet. -#}
with

lines as (
    select
        coalesce(sum(line_count), 0) as line_count,
        coalesce(sum(rejected_count), 0) as rejected_count
    from {{ ref('landed_files') }}
    where file_id > {{ last_built_file_of_landing() }}
)

select * from lines
where rejected_count > {{ var('most_rejects').warn }} * line_count
