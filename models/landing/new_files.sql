{{ config(pre_hook="{{ delete_first() }}") }}
{%- do require_files() -%}
{%- do refuse_lost_files() -%}
{%- do forget_gone_files() -%}
{%- do warn_of_changed_files() -%}
{%- set landed_files = landed_before() -%}
{%- set is_reread = is_reread() -%}

with

{% if events_table() -%}
inspected_files as (
    {{ new_batch() }}
)
{%- else -%}
listed_files as (
    select * from {{ listed_files() }} as listed
    {%- if flags.EMPTY %}
    where false
    {%- endif %}
),

new_files as (
    select
        listed_files.*,
        -- A file keeps its place and the time it landed when it is read again.
        {{ place_of_file(landed_files) }} as file_id,
        {{ landing_of_file(landed_files) }} as landed_at
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
        {%- if is_reread %}
        or (
            {{ is_of_other_vocabulary() }}
            {%- if var('missing_files') == 'keep' %}
            and listed_files.source_file not in ({{ lost_files() }})
            {%- endif %}
        )
        {%- endif %}
    {%- endif %}
),

inspected_files as (
    {{ inspected_files('new_files') }}
)
{%- endif %}

select
    cast(file_id as bigint) as file_id,
    source_file,
    read_path,
    digest,
    error,
    -- Of a file that could not be fetched nothing is known: the next build tries again.
    case when is_reached then size else 0 end as size,
    longest_line,
    case when is_reached then modified_us else 0 end as modified_us,
    has_other_case,
    landed_at
from inspected_files
