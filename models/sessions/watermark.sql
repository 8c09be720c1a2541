with

user_activity as (
    select
        last_event_at,
        row_number() over (order by last_event_at desc) as place
    from {{ ref('user_activity') }}
),

landings as (
    select max(landed_at) as last_landed_at from {{ ref('landed_files') }}
)

-- A few wrong clocks are not time itself: neither those of a user or two, nor of all.
select least(min(user_activity.last_event_at), max(landings.last_landed_at)) as watermark_at
from user_activity
cross join landings
where user_activity.place <= {{ var('watermark_users') }}
