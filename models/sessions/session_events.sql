{%- set split = var('session_split') -%}
{%- set order_by = [split.order_by] if split.order_by is string else split.order_by -%}

with

stg_events as (
    select * from {{ ref('stg_events') }}
),

blocks as (
    {{ split_blocks('stg_events', ['user_id'], order_by, split.split_on) }}
)

select
    user_id,
    block_id as session_id,
    event_type,
    txn_amount,
    won,
    event_time,
    event_key
from blocks
