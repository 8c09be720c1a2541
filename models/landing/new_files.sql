{{ config(pre_hook="{{ delete_first() }}") }}
{%- do require_files() -%}
{%- do warn_of_changed_files() -%}
{%- set landed_files = previous_relation(source('landed_before', 'landed_files')) -%}

with

listed_files as (
    select * from {{ listed_files() }} as listed
),

new_files as (
    select
        listed_files.*,
        {%- if landed_files is not none %}
        (select coalesce(max(file_id), 0) from {{ landed_files }}) +
        {%- endif %}
        row_number() over (order by listed_files.source_file) as file_id
    from listed_files
    {%- if landed_files is not none %}
    left join {{ landed_files }} as landed_files
        on listed_files.source_file = landed_files.source_file
    where
        landed_files.source_file is null
        -- Nothing has landed from a file that could not be read.
        or (
            landed_files.error is not null
            and (
                listed_files.size <> landed_files.size
                or listed_files.modified_us <> landed_files.modified_us
            )
        )
    {%- endif %}
),

inspected_files as (
    {{ inspected_files('new_files') }}
)

select
    cast(file_id as bigint) as file_id,
    source_file,
    read_path,
    digest,
    error,
    size,
    longest_line,
    modified_us,
    cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f") }}' as timestamp)
        as landed_at
from inspected_files
