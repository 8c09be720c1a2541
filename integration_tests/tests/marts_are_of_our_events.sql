select count(*) as offers
from {{ ref('paid_after_offers') }}
where country = 'DK' and offers = 1 and paid = 9.99
having count(*) <> 1
