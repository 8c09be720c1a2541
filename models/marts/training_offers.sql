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
        offer_features.*,
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
