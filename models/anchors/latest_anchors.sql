{%- set windows = feature_windows(var('features')) -%}

with

sessions as (
    select * from {{ ref('sessions') }}
),

latest_time as (
    select {{ microseconds('watermark_at') }} + 1 as as_of_us
    from {{ ref('watermark') }}
),

-- A feature changes by itself when a row leaves its window.
departures as (
    {%- for window in windows if window.side == 'before' and window.unit != 'count' %}
    {%- set time = 'started_at' if window.over == 'sessions' else 'event_time' %}
    {%- set span = unit_microseconds(window.unit, window.size) %}
    select
        source.user_id,
        {{ microseconds('source.' ~ time) }} + {{ span }} + 1 as anchor_us
    from {{ ref(window.over) }} as source
    cross join latest_time
    where {{ microseconds('source.' ~ time) }} + {{ span }} >= latest_time.as_of_us
    union
    {%- endfor %}
    select distinct
        sessions.user_id,
        latest_time.as_of_us as anchor_us
    from sessions
    cross join latest_time
),

-- A session that a window over sessions can hold is left out of it when the
-- request comes from that session.
current_sessions as (
    select
        sessions.user_id,
        sessions.session_id
    from (
        select
            *,
            row_number() over (
                partition by user_id order by session_index desc
            ) as recency
        from sessions
    ) as sessions
    cross join latest_time
    where
        false
        {%- for window in windows if window.over == 'sessions' %}
        {%- if window.unit == 'count' %}
        or sessions.recency <= {{ window.size }}
        {%- else %}
        or {{ microseconds('sessions.started_at') }}
        + {{ unit_microseconds(window.unit, window.size) }} >= latest_time.as_of_us
        {%- endif %}
        {%- endfor %}
    union all
    select distinct
        user_id,
        cast(null as {{ dbt.type_string() }}) as session_id
    from sessions
)

select
    departures.user_id || '|' || coalesce(current_sessions.session_id, '')
    || '|' || departures.anchor_us as anchor_id,
    departures.user_id,
    current_sessions.session_id,
    {{ from_microseconds('departures.anchor_us') }} as anchored_at,
    current_sessions.session_id is null
    and departures.anchor_us = latest_time.as_of_us as is_latest
from departures
inner join current_sessions on departures.user_id = current_sessions.user_id
cross join latest_time
