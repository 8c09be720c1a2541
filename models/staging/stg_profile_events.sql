select
    user_id,
    session_id,
    event_type,
    country,
    language,
    signin_method,
    package_name,
    package_version,
    os,
    os_version,
    device_type,
    device_make,
    device_model,
    device_id,
    event_time
from {{ ref('stg_events') }}
where event_type in {{ profile_event_types() }}
