{%- do require_files(ref('landed_files')) -%}
{%- set files = readable_files(ref('landed_files')) -%}

with

raw_events as (
    {{ raw_events(files.paths, files.longest_line) }}
),

judged_events as (
    {{ judged_events('raw_events', keep=['read_path']) }}
),

named_events as (
    select
        {%- for field in var('event_fields') %}
        {{ field }} as {{ event_columns()[loop.index0] }},
        {%- endfor %}
        read_path,
        reject_reason
    from judged_events
)

select
    *,
    {{ row_fingerprint(event_columns()) }} as event_key
from named_events
