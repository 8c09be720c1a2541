{{ config(pre_hook=["{{ take_over_landing() }}", "{{ forget_unfinished_landing() }}", "{{ rekey_deliveries() }}"]) }}
{%- set files = files_to_read() -%}
{%- set fields = var('event_fields') -%}

with

new_files as (
    select * from {{ ref('new_files') }}
),

raw_events as (
    {{ raw_events(files) }}
),

placed_events as (
    select
        raw_events.*,
        new_files.file_id,
        new_files.landed_at
    from raw_events
    inner join new_files on raw_events.read_path = new_files.read_path
),

validated_events as (
    {{ validated_events('placed_events', keep=['file_id']) }}
),

-- Of an erased user nothing is left but that there was a line.
marked_events as (
    {{ marked_as_erased('validated_events', 'customer_identifier') }}
)

select
    {%- for field, spec in fields.items() %}
    {{ unless_erased('marked_events.' ~ field) }} as {{ spec.as or field }},
    {%- endfor %}
    {{ unless_erased(delivery_key('marked_events')) }} as event_key,
    marked_events.file_id,
    marked_events.is_rejected or marked_events.is_erased as is_rejected,
    marked_events.is_erased and not marked_events.is_rejected as is_erased
from marked_events
{%- if is_executing() and is_reread() %}
union all
{{ kept_rows(landed_columns(), 'file_id in (' ~ kept_files() ~ ')') }}
{%- endif %}
