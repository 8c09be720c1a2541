{{ config(pre_hook="{{ make_room('event_time >= changed_from') }}") }}

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
from {{ changed_events() }}
where event_type in ('app_launched', 'user_updated')
