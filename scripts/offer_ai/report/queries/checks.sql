-- One row per check: whether it passes, and what to say when it does not.
with

files as (
    select
        count(error) as unreadable,
        sum(rejected_count) / nullif(sum(line_count), 0) as reject_share
    from landing.landed_files
),

stopped as (
    select string_agg(event_type, ', ' order by event_type) as types
    from (
        select event_type
        from staging.stg_events
        where cast(event_time as date)
            between getvariable('whole_day') - 7 and getvariable('whole_day')
        group by event_type
        having
            count(distinct cast(event_time as date)) = 7
            and max(cast(event_time as date)) < getvariable('whole_day')
    )
),

skewed as (
    select string_agg(feature, ', ' order by feature) as features
    from (
        select feature from skew
        group by feature
        having count(case when not is_equal and not is_late_news then 1 end)
            > getvariable('most_skew') * count(*)
    )
),

drifted as (
    select string_agg(distinct feature, ', ' order by feature) as features
    from drift
    where has_drifted and day = (
        select max(day) from drift where day <= getvariable('whole_day')
    )
),

age as (
    select datediff('hour', watermark_at, getvariable('made_at')) as hours
    from sessions.watermark
)

select 'Every file can be read' as name, unreadable = 0 as is_ok,
    unreadable || ' files cannot be read: landing.landed_files has the errors' as says
from files
union all
select 'Few lines are rejects', coalesce(reject_share, 0) <= getvariable('most_rejects'),
    round(100 * reject_share, 1) || ' % of all lines are rejects: see the reasons below'
from files
union all
select 'Events still come', coalesce(hours, 0) <= 48,
    'the newest events are ' || (hours // 24) || ' days old' from age
union all
select 'Every type of event still comes', types is null, 'no longer: ' || types from stopped
union all
select 'Decisions used what training sees', features is null, 'otherwise: ' || features from skewed
union all
select 'Features are as the model knew them', features is null, 'they drifted: ' || features
from drifted
