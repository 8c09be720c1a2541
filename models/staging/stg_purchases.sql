{{ config(pre_hook="{{ delete_stale_rows('event_time >= changed_from') }}") }}

select
    {{ event_id_text() }} as purchase_id,
    user_id,
    session_id,
    sku,
    purchase_source,
    currency,
    txn_amount,
    txn_amount_sent,
    currency_balance,
    event_time
from {{ changed_events() }}
where event_type = 'purchase'
