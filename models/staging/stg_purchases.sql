select
    user_id,
    session_id,
    sku,
    purchase_source,
    txn_amount,
    currency_balance,
    event_time,
    event_key
from {{ ref('stg_events') }}
where event_type = 'purchase'
