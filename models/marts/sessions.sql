select
    user_id,
    session_id,
    session_index,
    event_count,
    games_played,
    games_won,
    purchase_count,
    offers_shown,
    purchase_amount,
    win_ratio,
    {%- for measure in session_measures() %}
    {{ measure.name }},
    {%- endfor %}
    started_at,
    ended_at
from {{ ref('session_rollups') }}
