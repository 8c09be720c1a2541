{{ config(pre_hook="{{ delete_stale_rows() }}") }}

with

latest_anchor_features as (
    select * from {{ ref('latest_anchor_features') }}
    {%- if is_delta() %}
    where user_id in (select user_id from {{ ref('changed_users') }})
    {%- endif %}
),

followed as (
    select
        *,
        {%- for feature in var('features') %}
        lag({{ feature.name }}) over in_time as previous_{{ feature.name }},
        {%- endfor %}
        row_number() over in_time as version
    from latest_anchor_features
    window in_time as (partition by user_id, session_id order by anchored_at)
),

changes as (
    select * from followed
    where
        version = 1
        {%- for feature in var('features') %}
        or {{ feature.name }} is distinct from previous_{{ feature.name }}
        {%- endfor %}
)

select
    user_id,
    {{ json_rows(request_values(), ['session_id', 'anchored_at']) }} as feature_versions,
    {{ last_landed_file() }} as written_through_file_id
from changes
group by user_id
