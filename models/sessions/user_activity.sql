with

in_sessions as (
    select
        user_id,
        max(ended_at) as last_event_at
    from {{ ref('session_rollups') }}
    group by user_id
),

outside_sessions as (
    select
        user_id,
        max(event_time) as last_event_at
    from {{ ref('stg_events') }}
    where {{ is_in_a_session(false) }}
    group by user_id
),

activity as (
    select * from in_sessions
    union all
    select * from outside_sessions
)

select
    user_id,
    max(last_event_at) as last_event_at
from activity
group by user_id
