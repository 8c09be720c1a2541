select
    user_id,
    session_id,
    badge,
    level,
    score,
    currency_balance,
    won,
    event_time
from {{ ref('stg_events') }}
where event_type = 'game_end'
