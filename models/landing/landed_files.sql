{{ config(pre_hook=[
    "{{ delete_first('source_file in (select source_file from ' ~ ref('new_files') ~ ')') }}",
    "{{ mark_as_rekeyed() }}"
]) }}

with

new_files as (
    select * from {{ ref('new_files') }}
),

new_lines as (
    select
        file_id,
        count(*) as line_count,
        count(case when is_rejected then 1 end) - count(case when is_erased then 1 end)
            as rejected_count
    from {{ ref('landed_events') }}
    -- Without new files this is null, and nothing is counted.
    where file_id >= (select min(new_files.file_id) from new_files)
    group by file_id
),

-- Repetitions and rejects have landed before their file counts as landed.
landed_files as (
    select
        new_files.file_id,
        new_files.source_file,
        new_files.digest,
        new_files.error,
        new_files.size,
        new_files.modified_us,
        coalesce(new_lines.line_count, 0) as line_count,
        coalesce(new_lines.rejected_count, 0) as rejected_count,
        '{{ vocabulary_digest() }}' as vocabulary,
        {{ engine_hash() }} as engine_hash,
        new_files.landed_at
    from new_files
    left join new_lines on new_files.file_id = new_lines.file_id
    {%- if not lands_whole() %}
    where false
    {%- endif %}
)

select * from landed_files
{%- if is_executing() and is_reread() %}
union all
select
    file_id,
    source_file,
    digest,
    error,
    size,
    modified_us,
    line_count,
    rejected_count,
    '{{ vocabulary_digest() }}' as vocabulary,
    {{ engine_hash() }} as engine_hash,
    landed_at
from {{ this }}
where file_id in ({{ kept_files() }})
{%- endif %}
-- depends_on: {{ ref('rejected_events') }}, {{ ref('repeated_events') }}
{%- if events_table() %}, {{ ref('landed_rows') }}{% endif %}
