{{ config(enabled=events_table() is not none, materialized='table') }}
{%- do require_event_table() -%}

with

rows_to_land as (
    {{ rows_to_land() }}
)

select
    row_number() over {{ any_order() }} as line_number,
    loaded_at,
    raw_line
from rows_to_land
