{{ config(pre_hook="{{ delete_stale_rows('valid_from >= changed_from') }}") }}

with

{% if is_delta() -%}
-- What was known when things began to change.
known_before as (
    select
        profile_changes.*,
        row_number() over (
            partition by user_id order by valid_from desc
        ) as recency
    from {{ this }} as profile_changes
    where user_id in (select user_id from {{ ref('changed_users') }})
),
{%- endif %}

profile_events as (
    select
        user_id,
        event_time,
        session_id,
        event_type,
        country,
        signin_method,
        {{ is_facebook('signin_method') }} as facebook_connected,
        true as is_new
    from {{ changed_events() }}
    where
        event_type in {{ profile_event_types() }}
        and coalesce(country, signin_method) is not null
    {%- if is_delta() %}
    union all
    select
        user_id,
        valid_from as event_time,
        '' as session_id,
        '' as event_type,
        country,
        null as signin_method,
        facebook_connected,
        false as is_new
    from known_before
    where recency = 1
    {%- endif %}
),

-- What was known after each event: the last value that was not null.
known as (
    select
        user_id,
        event_time,
        is_new,
        {{ last_known('country') }} over so_far as country,
        {{ last_known('facebook_connected') }} over so_far as facebook_connected,
        lead(event_time) over so_far as next_event_time
    from profile_events
    window so_far as (
        partition by user_id
        order by
            event_time, coalesce(session_id, ''), event_type,
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
    event_time as valid_from
from changes
where is_new
