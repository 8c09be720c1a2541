{{ config(severity='warn') }}
-- More than a year before all but a hundredth of the events.
with

bulk as (
    select {{ element_at(quantiles(microseconds('event_time'), [0.01]), 0) }} as starts_us
    from {{ ref('stg_events') }}
)

select
    events.event_type,
    count(*) as event_count,
    min(events.event_time) as first_at
from {{ ref('stg_events') }} as events
cross join bulk
where {{ microseconds('events.event_time') }} < bulk.starts_us - {{ unit_microseconds('day', 366) }}
group by events.event_type
