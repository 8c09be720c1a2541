{{ config(pre_hook="{{ delete_stale_rows() }}") }}
{%- set going_sessions = ref('going_sessions') %}

with

latest_anchor_features as (
    select * from {{ ref('latest_anchor_features') }}
    {%- if is_delta() %}
    where user_id in (select user_id from {{ ref('changed_users') }})
    {%- endif %}
),

{% if is_cut_in_order() -%}
-- No client knows a session that is cut from the user's events: until it is over, a request is
-- of it.
requests as (
    select
        going_sessions.user_id,
        going_sessions.request_session_id as session_id,
        {%- for feature in snapshot_features() %}
        latest_anchor_features.{{ feature.name }},
        {%- endfor %}
        latest_anchor_features.anchored_at
    from {{ going_sessions }} as going_sessions
    inner join latest_anchor_features
        on
            going_sessions.user_id = latest_anchor_features.user_id
            and latest_anchor_features.session_id is not distinct from case
                when
                    latest_anchor_features.anchored_at
                    < coalesce(going_sessions.over_at, {{ timestamp_literal(none) }})
                    then going_sessions.session_id
            end
),

{% endif -%}
followed as (
    select
        *,
        {%- for feature in snapshot_features() %}
        lag({{ feature.name }}) over in_time as previous_{{ feature.name }},
        {%- endfor %}
        row_number() over in_time as version
    from {{ 'requests' if is_cut_in_order() else 'latest_anchor_features' }}
    window in_time as (partition by user_id, session_id order by anchored_at)
),

changes as (
    select * from followed
    where
        version = 1
        {%- for feature in snapshot_features() %}
        or {{ feature.name }} is distinct from previous_{{ feature.name }}
        {%- endfor %}
)

select
    user_id,
    {{ json_rows(request_values(), ['session_id', 'anchored_at']) }} as feature_versions,
    {{ last_build_before() }} as written_after
from changes
group by user_id
