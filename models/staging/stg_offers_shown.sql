{{ config(pre_hook="{{ delete_stale_rows('event_time >= changed_from') }}") }}

select
    {{ event_id_text() }} as offer_id,
    user_id,
    session_id,
    decision_id,
    offer_type,
    policy_version,
    decision_context,
    currency,
    offer_price,
    offer_price_sent,
    currency_balance,
    propensity,
    offer_purchased,
    offer_dismissed,
    {%- for column in anchor_columns(['currency', 'currency_balance', 'decision_id', 'offer_type',
        'policy_version', 'decision_context', 'offer_price', 'propensity', 'offer_purchased',
        'offer_dismissed']) %}
    {{ column }},
    {%- endfor %}
    event_time
from {{ changed_events() }}
where event_type = 'offer_shown'
