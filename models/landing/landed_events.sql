{{ config(pre_hook=["{{ forget_unfinished_landing() }}", "{{ rekey_deliveries() }}"]) }}
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
)

select
    {%- for field, spec in fields.items() %}
    validated_events.{{ field }}{{ ' as ' ~ spec.as if spec.as and spec.as != field }},
    {%- endfor %}
    {{ delivery_key('validated_events') }} as event_key,
    validated_events.file_id,
    validated_events.is_rejected
from validated_events
{%- if is_executing() and is_reread() %}
union all
{{ kept_rows(landed_columns(), 'file_id in (' ~ kept_files() ~ ')') }}
{%- endif %}
