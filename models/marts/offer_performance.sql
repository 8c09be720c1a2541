with

training_offers as (
    select * from {{ ref('training_offers') }}
),

offer_performance as (
    select
        cast(offered_at as date) as day,
        offer_type,
        offer_price,
        count(*) as shown,
        count(case when offer_purchased then 1 end) as purchased,
        count(case when is_label_mature then 1 end) as mature_labels,
        sum(case when offer_purchased then offer_price else 0 end) as revenue,
        sum(next_week_purchase_amount) as next_week_revenue
    from training_offers
    group by cast(offered_at as date), offer_type, offer_price
)

select
    day,
    offer_type,
    offer_price,
    shown,
    purchased,
    mature_labels,
    cast(revenue as decimal(38, 4)) as revenue,
    cast(next_week_revenue as decimal(38, 4)) as next_week_revenue
from offer_performance
