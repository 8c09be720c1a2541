{#- The model that dbt reads first: what is declared is checked before anything trips over it. -#}
{%- do check_declarations() -%}
{{ config(pre_hook="{{ delete_stale_rows() }}") }}
{%- set windows = feature_windows(snapshot_features()) %}
{%- set going_sessions = ref('going_sessions') %}

with

sessions as (
    select * from {{ ref('session_rollups') }}
    {%- if is_delta() %}
    where user_id in (select user_id from {{ ref('changed_users') }})
    {%- endif %}
),
{%- if is_cut_in_order() %}

going_sessions as (
    select * from {{ going_sessions }}
    {%- if is_delta() %}
    where user_id in (select user_id from {{ ref('changed_users') }})
    {%- endif %}
),
{%- endif %}

outside_sessions as (
    select * from {{ ref('stg_events') }}
    where {{ is_in_a_session(false) }}
),

-- Of users without a session, too.
activity as (
    select
        user_id,
        ended_at as active_at
    from sessions
    union all
    select
        user_id,
        event_time as active_at
    from outside_sessions
    {%- if is_delta() %}
    where user_id in (select user_id from {{ ref('changed_users') }})
    {%- endif %}
),

last_events as (
    select
        user_id,
        {{ microseconds('max(active_at)') }} as last_us
    from activity
    group by user_id
),

-- After a user's last event, which a window first sees a microsecond later, a
-- feature changes by itself only when a row leaves its window.
times as (
    select
        last_events.user_id,
        last_events.last_us + ticks.tick as anchor_us
    from last_events
    cross join (values (0), (1)) as ticks (tick)
    {%- for window in windows if window.side == 'before' and window.unit != 'count' %}
    {%- set time = 'started_at' if window.over == 'sessions' else 'event_time' %}
    {%- set departed_us = microseconds('leaving.' ~ time)
        ~ ' + ' ~ unit_microseconds(window.unit, window.size) ~ ' + 1' %}
    union
    select
        leaving.user_id,
        {{ departed_us }} as anchor_us
    from {{ window_relation(window.over) }} as leaving
    inner join last_events on leaving.user_id = last_events.user_id
    where {{ departed_us }} > last_events.last_us
    {%- endfor %}
    {%- if is_cut_in_order() %}
    -- Or when the session that was going on is over.
    union
    select
        going_sessions.user_id,
        {{ microseconds('going_sessions.over_at') }} as anchor_us
    from going_sessions
    inner join last_events on going_sessions.user_id = last_events.user_id
    where {{ microseconds('going_sessions.over_at') }} > last_events.last_us
    {%- endif %}
),

-- At the last event's own time, sessions that begin then do not count.
ranked_sessions as (
    select
        sessions.*,
        last_events.last_us,
        count(*) over (partition by sessions.user_id) + 1 - sessions.session_index as recency,
        count(case when {{ microseconds('sessions.started_at') }} < last_events.last_us then 1 end)
            over (partition by sessions.user_id)
        + 1 - sessions.session_index as earlier_recency
    from sessions
    inner join last_events on sessions.user_id = last_events.user_id
),

-- Sessions that any window reaches, plus one, as the requester's own is left out.
recent_sessions as (
    select * from ranked_sessions
    where {{ is_in_reach(windows, 1) }} and {{ computed_once() }}
),

-- The request's own session makes a difference when a window can hold it.
{% if is_cut_in_order() -%}
own_sessions as (
    select
        user_id,
        session_id,
        max({{ microseconds('coalesce(over_at, ' ~ timestamp_literal(none) ~ ')') }}) as over_us
    from going_sessions
    group by user_id, session_id
),
{%- else -%}
own_sessions as (
    select
        user_id,
        session_id,
        cast(null as bigint) as over_us
    from recent_sessions
    where {{ is_in_reach(windows, 0) }}
),
{%- endif %}

requesting_sessions as (
    select * from own_sessions
    union all
    select
        user_id,
        cast(null as {{ dbt.type_string() }}) as session_id,
        cast(null as bigint) as over_us
    from last_events
),

request_anchors as (
    select
        length(times.user_id) || '|' || times.user_id
        || coalesce(requesting_sessions.session_id, '')
        || '|' || times.anchor_us as anchor_id,
        times.user_id,
        requesting_sessions.session_id,
        {{ from_microseconds('times.anchor_us') }} as anchored_at
    from times
    inner join requesting_sessions on times.user_id = requesting_sessions.user_id
    where
        {{ computed_once() }}
        and (requesting_sessions.over_us is null or times.anchor_us < requesting_sessions.over_us)
),

features as (
    {{ anchor_features(
        'request_anchors', snapshot_features(), session_events_in_reach(),
        sessions='recent_sessions') }}
)

select
    request_anchors.user_id,
    request_anchors.session_id,
    {%- for feature in snapshot_features() %}
    features.{{ feature.name }},
    {%- endfor %}
    request_anchors.anchored_at
from request_anchors
inner join features on request_anchors.anchor_id = features.anchor_id
