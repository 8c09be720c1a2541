select
    user_id,
    session_id,
    level,
    currency_balance,
    event_time,
    event_key
from {{ ref('stg_events') }}
where event_type = 'game_start'
