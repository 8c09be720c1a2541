-- Our training table, by ref.
select
    country,
    count(*) as offers,
    sum(next_week_purchase_amount) as paid
from {{ ref('offer_ai', 'training_offers') }}
where is_label_mature
group by country
