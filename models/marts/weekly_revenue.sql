with

active_days as (
    select
        user_id,
        country,
        cast(date_trunc('week', day) as date) as week
    from {{ ref('user_days') }}
),

players as (
    select
        week,
        country,
        count(distinct user_id) as active_users
    from active_days
    group by week, country
),

profiles as (
    select * from {{ ref('user_profiles') }}
    where valid_to is null
),

purchases as (
    select
        profiles.country,
        purchases.user_id,
        purchases.txn_amount,
        cast(date_trunc('week', purchases.event_time) as date) as week
    from {{ ref('stg_purchases') }} as purchases
    left join profiles on purchases.user_id = profiles.user_id
),

paid as (
    select
        week,
        country,
        count(distinct case when txn_amount > 0 then user_id end) as payers,
        count(case when txn_amount > 0 then 1 end) as purchases,
        sum(txn_amount) as revenue
    from purchases
    group by week, country
)

-- Who pays is active: each week of a purchase has players.
select
    players.week,
    players.country,
    players.active_users,
    coalesce(paid.payers, 0) as payers,
    coalesce(paid.purchases, 0) as purchases,
    cast(coalesce(paid.revenue, 0) as decimal(38, 4)) as revenue
from players
left join paid
    on
        players.week = paid.week
        and players.country is not distinct from paid.country
