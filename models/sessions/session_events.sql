with

blocks as (
    {{ events_in_sessions(ref('stg_events')) }}
)

select
    user_id,
    block_id as session_id,
    {{ measured_columns() | join(',\n    ') }},
    event_time
from blocks
