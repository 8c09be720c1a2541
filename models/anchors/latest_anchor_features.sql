with

latest_anchors as (
    select * from {{ ref('latest_anchors') }}
),

features as (
    {{ anchor_features('latest_anchors', var('features'), after_all_events=true) }}
)

select
    features.*,
    latest_anchors.user_id,
    latest_anchors.session_id,
    latest_anchors.anchored_at,
    latest_anchors.is_latest
from features
inner join latest_anchors on features.anchor_id = latest_anchors.anchor_id
