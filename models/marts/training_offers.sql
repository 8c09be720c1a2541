with

offer_features as (
    select * from {{ ref('offer_features') }}
),

watermark as (
    select * from {{ ref('watermark') }}
),

-- What moves with the watermark is computed when it is read: a build has nothing
-- to correct in the rows of users it has no news of.
training_offers as (
    select
        offer_features.*,
        coalesce(
            offer_features.label_matures_at <= watermark.watermark_at, false
        ) as is_label_mature
    from offer_features
    cross join watermark
)

select * from training_offers
