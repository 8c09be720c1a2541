-- An event is late when an earlier build had seen events of a later day.
with

files as (
    select file_id, landed_at from landing.landed_files
),

counted as (
    select
        cast(events.event_time as date) as day,
        events.event_type,
        files.landed_at,
        coalesce(players.country, 'unknown') as country,
        count(*) as events
    from staging.stg_events as events
    left join files on events.file_id = files.file_id
    left join players on events.user_id = players.user_id
    group by all
),

seen as (
    select
        landed_at,
        max(max(day)) over (
            order by landed_at rows between unbounded preceding and 1 preceding
        ) as last_day_before
    from counted
    group by landed_at
)

select
    counted.day - getvariable('first_day') as day,
    counted.country,
    case when list_contains(getvariable('event_types'), counted.event_type)
        then counted.event_type else 'other' end as event_type,
    sum(counted.events) as events,
    sum(case when counted.day < seen.last_day_before then counted.events else 0 end) as late
from counted
left join seen on counted.landed_at is not distinct from seen.landed_at
where counted.day >= getvariable('first_day')
group by all
order by all
