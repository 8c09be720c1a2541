with

offers_shown as (
    select * from {{ ref('stg_offers_shown') }}
),

offer_anchors as (
    select * from {{ ref('offer_anchors') }}
),

offer_features as (
    select * from {{ ref('offer_features') }}
),

sessions as (
    select * from {{ ref('sessions') }}
),

watermark as (
    select * from {{ ref('watermark') }}
),

training_offers as (
    select
        offer_anchors.anchor_id as offer_id,
        offer_anchors.user_id,
        offer_anchors.session_id,
        offers_shown.decision_id,
        sessions.session_index,
        offers_shown.offer_type,
        offers_shown.policy_version,
        offers_shown.offer_price,
        offers_shown.propensity,
        offers_shown.offer_purchased,
        offers_shown.offer_dismissed,
        {%- for feature in var('features') + var('labels') %}
        offer_features.{{ feature.name }},
        {%- endfor %}
        offer_anchors.anchored_at as offered_at,
        {{ label_matures_at('offer_anchors.anchored_at') }} as label_matures_at,
        coalesce(
            {{ label_matures_at('offer_anchors.anchored_at') }}
            <= watermark.watermark_at,
            false
        ) as is_label_mature
    from offer_anchors
    inner join offers_shown on offer_anchors.anchor_id = offers_shown.offer_id
    inner join offer_features on offer_anchors.anchor_id = offer_features.anchor_id
    inner join sessions
        on
            offer_anchors.user_id = sessions.user_id
            and offer_anchors.session_id = sessions.session_id
    cross join watermark
)

select * from training_offers
