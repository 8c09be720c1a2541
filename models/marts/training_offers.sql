with

offer_features as (
    select * from {{ ref('offer_features') }}
),

offer_labels as (
    select * from {{ ref('offer_labels') }}
),

watermark as (
    select * from {{ ref('watermark') }}
),

-- What moves with the watermark is computed when it is read: a build has nothing
-- to correct in the rows of users it has no news of.
training_offers as (
    select
        offer_features.offer_id,
        offer_features.user_id,
        offer_features.session_id,
        offer_features.decision_id,
        offer_features.session_index,
        offer_features.offer_type,
        offer_features.policy_version,
        offer_features.offer_price,
        offer_features.propensity,
        offer_features.offer_purchased,
        offer_features.offer_dismissed,
        {%- for feature in var('features') %}
        offer_features.{{ feature.name }},
        {%- endfor %}
        offer_features.offered_at,
        {%- for label in var('labels') %}
        offer_labels.{{ label.name }},
        {%- endfor %}
        offer_labels.label_matures_at,
        coalesce(
            offer_labels.label_matures_at <= watermark.watermark_at, false
        ) as is_label_mature
    from offer_features
    inner join offer_labels on offer_features.offer_id = offer_labels.offer_id
    cross join watermark
)

select * from training_offers
