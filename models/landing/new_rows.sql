{{ config(enabled=events_table() is not none, materialized='rows_to_land') }}
{%- do require_event_table() -%}

with

rows_to_land as (
    {{ rows_to_land() }}
)

select
    row_number() over {{ any_order() }} as line_number,
    loaded_at,
    {%- if reads_columns() %}
    fields,
    {%- endif %}
    raw_line
from rows_to_land
