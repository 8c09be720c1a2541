{%- set cap = var('max_anchors_per_user_day') | int %}
{%- set offer_columns = ['decision_id', 'offer_type', 'policy_version', 'offer_price',
    'propensity', 'offer_purchased', 'offer_dismissed'] -%}
{%- set offer_columns = offer_columns + anchor_columns(offer_columns) -%}
{%- set offers_shown, events = ref('stg_offers_shown'), ref('stg_events') -%}

with

{% if has_session_ids() -%}
offers as (
    select
        offer_id as anchor_id,
        user_id,
        session_id,
        {{ offer_columns | join(',\n        ') }},
        event_time as anchored_at
    from {{ offers_shown }}
)
{%- else -%}
blocks as (
    {{ events_in_sessions(events) }}
),

offers as (
    select
        {{ event_id_text() }} as anchor_id,
        user_id,
        block_id as session_id,
        {{ offer_columns | join(',\n        ') }},
        event_time as anchored_at
    from blocks
    where event_type = 'offer_shown'
)
{%- endif %}
{%- if cap > 0 %},

-- The hash makes the choice arbitrary, and the same in every build.
placed_offers as (
    select
        *,
        row_number() over (
            partition by user_id, cast(anchored_at as date) order by md5(anchor_id)
        ) as place_in_day
    from offers
)
{%- endif %}

select
    anchor_id,
    user_id,
    session_id,
    {{ offer_columns | join(',\n    ') }},
    anchored_at
from {{ 'placed_offers' if cap > 0 else 'offers' }}
{%- if cap > 0 %}
where place_in_day <= {{ cap }}
{%- endif %}
