{%- set cap = var('max_anchors_per_user_day') | int -%}

with

session_events as (
    select * from {{ ref('session_events') }}
    where event_type = 'offer_shown'
),

offers_shown as (
    select * from {{ ref('stg_offers_shown') }}
),

anchors as (
    select
        offers_shown.offer_id as anchor_id,
        offers_shown.user_id,
        session_events.session_id,
        offers_shown.event_time as anchored_at
    from offers_shown
    inner join session_events on offers_shown.event_key = session_events.event_key
)

select * from anchors
