{{ config(
    enabled=events_table() is not none,
    meta={'is_landing': true},
    pre_hook="{{ delete_first(rows_to_forget()) }}"
) }}

with

new_rows as (
    select
        loaded_at,
        {{ row_digest() }} as row_digest
    from {{ ref('new_rows') }}
    where
        {{ microseconds('loaded_at') }}
        >= (select max({{ microseconds('loaded_at') }}) from {{ ref('new_rows') }}) - {{ overlap_us() }}
)

select
    loaded_at,
    row_digest,
    count(*) as row_count,
    (select max(new_files.file_id) from {{ ref('new_files') }} as new_files) as file_id
from new_rows
group by loaded_at, row_digest
{%- if is_executing() and is_reread() and keeps_batches() %}
union all
select
    loaded_at,
    row_digest,
    row_count,
    file_id
from {{ this }}
{%- endif %}
