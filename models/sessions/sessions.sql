{{ config(schema='marts') }}

with

session_events as (
    select * from {{ ref('session_events') }}
),

rolled_up as (
    select
        user_id,
        session_id,
        {%- for measure, aggregate in block_measures().items() %}
        {{ aggregate }} as {{ measure }}{{ ',' if not loop.last }}
        {%- endfor %}
    from session_events
    group by user_id, session_id
),

numbered as (
    select
        *,
        row_number() over (
            partition by user_id order by started_at, session_id
        ) as session_index
    from rolled_up
)

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
    started_at,
    ended_at
from numbered
