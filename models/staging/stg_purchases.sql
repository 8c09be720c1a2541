{{ config(pre_hook="{{ make_room('event_time >= changed_from') }}") }}

select
    user_id,
    session_id,
    sku,
    purchase_source,
    txn_amount,
    currency_balance,
    event_time
from {{ changed_events() }}
where event_type = 'purchase'
