with

active_days as (
    select
        user_id,
        cast(event_time as date) as day
    from {{ ref('stg_events') }}
    group by user_id, cast(event_time as date)
),

profiles as (
    select * from {{ ref('user_profiles') }}
    where valid_to is null
)

select
    active_days.user_id,
    profiles.country,
    active_days.day,
    min(active_days.day) over (partition by active_days.user_id) as first_day,
    lead(active_days.day) over (
        partition by active_days.user_id order by active_days.day
    ) as next_day
from active_days
left join profiles on active_days.user_id = profiles.user_id
