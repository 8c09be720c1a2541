select
    customer as user_id,
    cast(null as varchar) as session_id,
    sent_at as event_time,
    words
from {{ ref('messages') }}
