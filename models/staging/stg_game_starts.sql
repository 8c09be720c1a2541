select
    user_id,
    session_id,
    level,
    currency_balance,
    event_time
from {{ ref('stg_events') }}
where event_type = 'game_start'
