{{ config(
    enabled=events_table() is not none,
    meta={'is_landing': true},
    pre_hook="{{ delete_first(rows_to_forget()) }}"
) }}
{#- As a literal it is looked for before the text of a row is made. -#}
{%- set last_us = run_query('select max(modified_us) from ' ~ ref('new_files')).columns[0].values()[0]
    if is_executing() else none -%}

with

new_rows as (
    select
        loaded_at,
        {{ row_digest() }} as row_digest
    from {{ taken_rows() }} as taken_rows
    where loaded_at >= {{ from_microseconds((last_us or 0) - overlap_us()) }}
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
