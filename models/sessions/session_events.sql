with

blocks as (
    {{ events_in_sessions(ref('stg_events')) }}
)

select
    user_id,
    block_id as session_id,
    event_type,
    txn_amount,
    won,
    event_time
from blocks
