-- Of a thousand offers, what their features may at most have seen, event by event.
with

offers as (
    select * from {{ ref('training_offers') }}
    order by md5(offer_id)
    limit 1000
),

events as (
    select
        user_id,
        session_id,
        event_type,
        country,
        txn_amount,
        event_time
    from {{ ref('stg_events') }}
    where user_id in (select offers.user_id from offers)
),

seen as (
    select
        offers.offer_id,
        coalesce(sum(case
            when
                events.event_time < offers.offered_at
                and {{ microseconds('events.event_time') }}
                >= {{ microseconds('offers.offered_at') }} - {{ unit_microseconds('day', 7) }}
                then events.txn_amount
        end), 0) as week_amount,
        count(case
            when
                events.event_time < offers.offered_at
                and events.event_type = 'game_start'
                and events.session_id is distinct from offers.session_id
                then 1
        end) as games_in_other_sessions,
        count(case
            when
                events.event_time <= offers.offered_at
                and events.country = offers.country
                and events.event_type in {{ profile_event_types() }}
                then 1
        end) as times_in_country
    from offers
    left join events on offers.user_id = events.user_id
    group by offers.offer_id
)

select
    offers.offer_id,
    offers.offered_at,
    offers.country,
    offers.prev_week_purchase_amount,
    offers.last_session_games_played,
    seen.week_amount,
    seen.games_in_other_sessions
from offers
inner join seen on offers.offer_id = seen.offer_id
where
    offers.prev_week_purchase_amount <> seen.week_amount
    or offers.last_session_games_played > seen.games_in_other_sessions
    or (offers.country is not null and seen.times_in_country = 0)
