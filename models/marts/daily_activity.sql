{%- set measures = ['active_users', 'new_users', 'sessions', 'games_played', 'games_won',
    'payers', 'purchases', 'refunds'] -%}
{%- set amounts = ['revenue', 'refund_amount'] -%}
{%- set windows = [7, 28] -%}
{%- set columns = measures + amounts + ['window_7', 'window_28'] -%}
with

active_days as (
    select * from {{ ref('user_days') }}
),

profiles as (
    select * from {{ ref('user_profiles') }}
    where valid_to is null
),

last_days as (
    select
        min(day) as first_day,
        max(day) as last_day
    from active_days
),

countries as (
    select distinct country from active_days
),

-- Every country has a row for every day: sums over countries lack nothing.
grid as (
    select
        countries.country,
        {{ days_between('last_days.first_day', 'last_days.last_day') }} as day
    from last_days
    cross join countries
    where last_days.first_day is not null
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

-- A user counts among those of n days from an active day until n days later or the next one.
{%- for days in windows %}
ends_{{ days }} as (
    select
        country,
        least(coalesce(next_day, {{ days_before('day', -days) }}), {{ days_before('day', -days) }}) as day,
        -count(*) as change
    from active_days
    group by
        country,
        least(coalesce(next_day, {{ days_before('day', -days) }}), {{ days_before('day', -days) }})
),
{%- endfor %}

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
),

{%- set parts = {
    'grid': {}, 'played': ['sessions', 'games_played', 'games_won'],
    'players': {'active_users': 'active_users', 'new_users': 'new_users',
        'window_7': 'active_users', 'window_28': 'active_users'},
    'ends_7': {'window_7': 'change'}, 'ends_28': {'window_28': 'change'},
    'paid': ['payers', 'purchases', 'refunds', 'revenue', 'refund_amount']} %}

parts as (
    {%- for part, given in parts.items() %}
    select
        country,
        day
        {%- for column in columns %},
        {%- set value = (given[column] if given is mapping else column) if column in given else 0 %}
        cast({{ value }} as {{ 'decimal(38, 4)' if column in amounts else 'bigint' }})
            as {{ column }}
        {%- endfor %}
    from {{ part }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

by_day as (
    select
        country,
        day,
        {%- for column in columns %}
        sum({{ column }}) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from parts
    group by country, day
),

counted as (
    select
        country,
        day,
        {%- for column in measures + amounts %}
        {{ column }},
        {%- endfor %}
        {%- for days in windows %}
        sum(window_{{ days }}) over so_far as active_users_{{ days }}_days
        {{- ',' if not loop.last }}
        {%- endfor %}
    from by_day
    window so_far as (
        partition by country
        order by day
        rows between unbounded preceding and current row
    )
)

select
    counted.day,
    counted.country,
    {%- for column in measures %}
    cast(counted.{{ column }} as bigint) as {{ column }},
    {%- endfor %}
    {%- for days in windows %}
    cast(counted.active_users_{{ days }}_days as bigint) as active_users_{{ days }}_days,
    {%- endfor %}
    cast(counted.revenue as decimal(38, 4)) as revenue,
    cast(counted.refund_amount as decimal(38, 4)) as refund_amount
from counted
inner join last_days on counted.day <= last_days.last_day
