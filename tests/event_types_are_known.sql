{{ config(severity='warn') }}
select
    event_type,
    count(*) as event_count,
    min(event_time) as first_seen_at
from {{ ref('stg_events') }}
where event_type not in ({{ literals(known_event_types()) }})
group by event_type
