with

latest_anchor_features as (
    select * from {{ ref('latest_anchor_features') }}
    where session_id is null
),

latest_requests as (
    select * from {{ ref('latest_requests') }}
),

as_of_time as (
    select
        {{ from_microseconds(microseconds('watermark_at') ~ ' + 1') }} as as_of
    from {{ ref('watermark') }}
),

-- The watermark moves with every build, so what holds now is computed when it is
-- read, from the times at which each user's features change by themselves.
by_recency as (
    select
        latest_anchor_features.*,
        as_of_time.as_of,
        row_number() over (
            partition by latest_anchor_features.user_id
            order by latest_anchor_features.anchored_at desc
        ) as recency
    from latest_anchor_features
    inner join as_of_time
        on latest_anchor_features.anchored_at <= as_of_time.as_of
),

latest_features as (
    select
        by_recency.user_id,
        {%- for feature in var('features') %}
        by_recency.{{ feature.name }},
        {%- endfor %}
        latest_requests.feature_versions,
        by_recency.as_of
    from by_recency
    inner join latest_requests on by_recency.user_id = latest_requests.user_id
    where by_recency.recency = 1
)

select * from latest_features
