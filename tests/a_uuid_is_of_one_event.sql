{{ config(severity='warn') }}
-- None of these is dropped: a uuid tells events of one user, session and type apart.
select
    event_uuid,
    count(distinct user_id) as user_count,
    count(distinct event_type) as type_count
from {{ ref('stg_events') }}
where event_uuid is not null
group by event_uuid
having count(distinct user_id) > 1 or count(distinct event_type) > 1
