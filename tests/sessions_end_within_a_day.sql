{{ config(severity='warn') }}
select
    user_id,
    session_id,
    started_at,
    ended_at
from {{ ref('session_rollups') }}
where
    {{ microseconds('ended_at') }} - {{ microseconds('started_at') }}
    > {{ unit_microseconds('day', 1) }}
