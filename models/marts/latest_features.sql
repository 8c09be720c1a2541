with

latest_anchor_features as (
    select * from {{ ref('latest_anchor_features') }}
    where session_id is null
),

latest_requests as (
    select * from {{ ref('latest_requests') }}
),

watermark as (
    select watermark_at from {{ ref('watermark') }}
),

-- Just after the watermark, or after the user's own last event if that is later; it is
-- where the versions of the user's features begin.
placed_in_time as (
    select
        latest_anchor_features.*,
        {{ from_microseconds(microseconds('greatest(
            watermark.watermark_at,
            min(latest_anchor_features.anchored_at) over (
                partition by latest_anchor_features.user_id
            )
        )') ~ ' + 1') }} as as_of
    from latest_anchor_features
    cross join watermark
),

-- The watermark moves with every build, so what holds now is computed when it is
-- read, from the times at which each user's features change by themselves.
by_recency as (
    select
        *,
        row_number() over (partition by user_id order by anchored_at desc) as recency
    from placed_in_time
    where anchored_at <= as_of
),

latest_features as (
    select
        by_recency.user_id,
        {%- for feature in snapshot_features() %}
        by_recency.{{ feature.name }},
        {%- endfor %}
        latest_requests.feature_versions,
        by_recency.as_of
    from by_recency
    inner join latest_requests on by_recency.user_id = latest_requests.user_id
    where by_recency.recency = 1
)

select * from latest_features
