{%- set ages = range(29) | list -%}
with

active_days as (
    select * from {{ ref('user_days') }}
),

watermark as (
    select cast(watermark_at as date) as last_day from {{ ref('watermark') }}
),

ages as (
    {%- for age in ages %}
    select {{ age }} as days_since{{ ' union all' if not loop.last }}
    {%- endfor %}
),

cohorts as (
    select
        first_day,
        country,
        count(*) as users
    from active_days
    where day = first_day
    group by first_day, country
),

returned as (
    select
        first_day,
        country,
        {{ dbt.datediff('first_day', 'day', 'day') }} as days_since,
        count(*) as users
    from active_days
    group by first_day, country, {{ dbt.datediff('first_day', 'day', 'day') }}
)

-- A day that is not over yet tells of nobody who did not return.
select
    cohorts.first_day,
    cohorts.country,
    cast(ages.days_since as bigint) as days_since,
    cohorts.users,
    coalesce(returned.users, 0) as returned
from cohorts
cross join ages
inner join watermark on {{ days_before('cohorts.first_day', '-ages.days_since') }} < watermark.last_day
left join returned
    on
        cohorts.first_day = returned.first_day
        and cohorts.country is not distinct from returned.country
        and ages.days_since = returned.days_since
