{{ config(pre_hook="{{ make_room() }}") }}

with

profile_events as (
    select
        {{ is_facebook('signin_method') }} as is_facebook,
        *
    from {{ ref('stg_profile_events') }}
    where coalesce(country, signin_method) is not null
    {%- if is_delta() %}
        and user_id in (select user_id from {{ ref('changed_users') }})
    {%- endif %}
),

-- What was known after each event: the last value that was not null.
known as (
    select
        user_id,
        event_time,
        {{ last_known('country') }} over so_far as country,
        {{ last_known('is_facebook') }} over so_far as facebook_connected,
        lead(event_time) over so_far as next_event_time
    from profile_events
    window so_far as (
        partition by user_id
        order by
            event_time, session_id, event_type,
            coalesce(country, ''), coalesce(signin_method, '')
    )
),

settled as (
    select
        *,
        lag(country) over by_time as previous_country,
        lag(facebook_connected) over by_time as previous_facebook_connected,
        row_number() over by_time as version
    from known
    where next_event_time is distinct from event_time
    window by_time as (partition by user_id order by event_time)
),

changes as (
    select *
    from settled
    where
        version = 1
        or country is distinct from previous_country
        or facebook_connected is distinct from previous_facebook_connected
)

select
    user_id,
    country,
    facebook_connected,
    event_time as valid_from,
    lead(event_time) over (
        partition by user_id order by event_time
    ) as valid_to
from changes
