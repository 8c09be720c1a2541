{{ config(severity='warn') }}
-- A type that came on each of the seven days before the last whole one, and not on that.
with

last_day as (
    select cast(watermark_at as date) as day from {{ ref('watermark') }}
),

days as (
    select
        events.event_type,
        count(distinct case
            when cast(events.event_time as date) < {{ days_before('last_day.day', 1) }}
                then cast(events.event_time as date)
        end) as days_before,
        count(case
            when cast(events.event_time as date) = {{ days_before('last_day.day', 1) }} then 1
        end) as events_on_day
    from {{ ref('stg_events') }} as events
    cross join last_day
    where
        cast(events.event_time as date) >= {{ days_before('last_day.day', 8) }}
        and cast(events.event_time as date) < last_day.day
    group by events.event_type
)

select * from days
where days_before = 7 and events_on_day = 0
