with

active_days as (
    select * from {{ ref('user_days') }}
),

profiles as (
    select * from {{ ref('user_profiles') }}
    where valid_to is null
),

-- Every country has a row for every day, so that sums over countries lack nothing; but for days
-- more than a year after anyone's last one, as one event of the year 1 would have it.
spans as (
    select
        day as first_day,
        least(
            coalesce({{ days_before('lead(day) over (order by day)', 1) }}, day),
            {{ days_before('day', -365) }}
        ) as last_day
    from (select distinct day from active_days) as active
),

countries as (
    select distinct country from active_days
),

grid as (
    select
        countries.country,
        {{ days_between('spans.first_day', 'spans.last_day') }} as day
    from spans
    cross join countries
),

players as (
    select
        country,
        day,
        count(*) as active_users,
        count(case when day = first_day then 1 end) as new_users
    from active_days
    group by country, day
),

-- A user counts in a window of n days from an active day until the next one, or n days on.
ends as (
    select
        country,
        least(
            coalesce(next_day, {{ days_before('day', -7) }}), {{ days_before('day', -7) }}
        ) as ends_7,
        least(
            coalesce(next_day, {{ days_before('day', -28) }}), {{ days_before('day', -28) }}
        ) as ends_28
    from active_days
),

ends_7 as (
    select
        country,
        ends_7 as day,
        count(*) as users
    from ends
    group by country, ends_7
),

ends_28 as (
    select
        country,
        ends_28 as day,
        count(*) as users
    from ends
    group by country, ends_28
),

played as (
    select
        profiles.country,
        cast(rollups.started_at as date) as day,
        count(*) as sessions,
        sum(rollups.games_played) as games_played,
        sum(rollups.games_won) as games_won
    from {{ ref('session_rollups') }} as rollups
    left join profiles on rollups.user_id = profiles.user_id
    group by profiles.country, cast(rollups.started_at as date)
),

paid as (
    select
        profiles.country,
        cast(purchases.event_time as date) as day,
        count(distinct case when purchases.txn_amount > 0 then purchases.user_id end) as payers,
        count(case when purchases.txn_amount > 0 then 1 end) as purchases,
        count(case when purchases.txn_amount < 0 then 1 end) as refunds,
        sum(purchases.txn_amount) as revenue,
        sum(case when purchases.txn_amount < 0 then -purchases.txn_amount else 0 end)
            as refund_amount
    from {{ ref('stg_purchases') }} as purchases
    left join profiles on purchases.user_id = profiles.user_id
    group by profiles.country, cast(purchases.event_time as date)
)

select
    grid.day,
    grid.country,
    coalesce(players.active_users, 0) as active_users,
    coalesce(players.new_users, 0) as new_users,
    coalesce(played.sessions, 0) as sessions,
    cast(coalesce(played.games_played, 0) as bigint) as games_played,
    cast(coalesce(played.games_won, 0) as bigint) as games_won,
    coalesce(paid.payers, 0) as payers,
    coalesce(paid.purchases, 0) as purchases,
    coalesce(paid.refunds, 0) as refunds,
    cast(sum(coalesce(players.active_users, 0) - coalesce(ends_7.users, 0)) over so_far as bigint)
        as active_users_7_days,
    cast(sum(coalesce(players.active_users, 0) - coalesce(ends_28.users, 0)) over so_far as bigint)
        as active_users_28_days,
    cast(coalesce(paid.revenue, 0) as decimal(38, 4)) as revenue,
    cast(coalesce(paid.refund_amount, 0) as decimal(38, 4)) as refund_amount
from grid
left join players
    on grid.day = players.day and grid.country is not distinct from players.country
left join ends_7
    on grid.day = ends_7.day and grid.country is not distinct from ends_7.country
left join ends_28
    on grid.day = ends_28.day and grid.country is not distinct from ends_28.country
left join played
    on grid.day = played.day and grid.country is not distinct from played.country
left join paid
    on grid.day = paid.day and grid.country is not distinct from paid.country
window so_far as (
    partition by grid.country
    order by grid.day
    rows between unbounded preceding and current row
)
