select
    user_id,
    event_type,
    event_time,
    file_id
from {{ ref('landed_events') }}
where
    not is_rejected
    and not {{ user_counts() }}
    and event_key not in (select repeats.event_key from {{ ref('repeated_events') }} as repeats)
union all
select
    user_id,
    event_type,
    event_time,
    file_id
from {{ ref('repeated_events') }}
where delivery_number = 1 and not {{ user_counts() }}
