with

offer_anchors as (
    select * from {{ ref('offer_anchors') }}
),

features as (
    {{ anchor_features('offer_anchors', var('features') + var('labels')) }}
)

select * from features
