{{ config(pre_hook="{{ forget_unfinished_landing() }}") }}
{%- set files = files_to_read() -%}

with

new_files as (
    select * from {{ ref('new_files') }}
),

raw_events as (
    {{ raw_events(files.paths, files.longest_line) }}
),

validated_events as (
    {{ validated_events('raw_events', keep=['read_path']) }}
)

select
    {%- for field in var('event_fields') %}
    {%- set column = event_columns()[loop.index0] %}
    {%- if column == 'event_type' %}
    case when validated_events.reject_reason is null then validated_events.event_id end
        as event_type,
    {%- else %}
    validated_events.{{ field }}{{ ' as ' ~ column if field != column }},
    {%- endif %}
    {%- endfor %}
    {{ delivery_key('validated_events') }} as event_key,
    new_files.file_id
from validated_events
inner join new_files on validated_events.read_path = new_files.read_path
