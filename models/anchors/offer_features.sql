{{ config(pre_hook="{{ make_room(offer_is_changed('offered_at', 'changed_from')) }}") }}
{%- set cap = var('max_anchors_per_user_day') | int %}
{%- set offer_columns = ['offer_id', 'user_id', 'session_id', 'decision_id', 'offer_type',
    'policy_version', 'offer_price', 'propensity', 'offer_purchased', 'offer_dismissed',
    'event_time'] %}

with

{% if has_session_ids() -%}
offers as (
    select
        {{ offer_columns | join(',\n        ') }}
    from {{ ref('stg_offers_shown') }}
),
{%- else -%}
blocks as (
    {{ events_in_sessions(changed_events()) }}
),

offers as (
    select
        {{ event_id_text() }} as offer_id,
        user_id,
        block_id as session_id,
        {{ offer_columns[3:] | join(',\n        ') }}
    from blocks
    where event_type = 'offer_shown'
),
{%- endif %}

changed_offers as (
    select offers.*
    from offers
    {%- if is_delta() %}
    inner join {{ ref('changed_users') }} as changed_users
        on
            offers.user_id = changed_users.user_id
            and {{ offer_is_changed('offers.event_time', 'changed_users.changed_from') }}
    {%- endif %}
),

{% if cap > 0 -%}
-- The hash makes the choice arbitrary, and the same in every build.
placed_offers as (
    select
        *,
        row_number() over (
            partition by user_id, cast(event_time as date) order by md5(offer_id)
        ) as place_in_day
    from changed_offers
),
{%- endif %}

offer_anchors as (
    select
        *,
        offer_id as anchor_id,
        event_time as anchored_at
    from {{ 'placed_offers' if cap > 0 else 'changed_offers' }}
    {%- if cap > 0 %}
    where place_in_day <= {{ cap }}
    {%- endif %}
),

features as (
    {{ anchor_features(
        'offer_anchors', var('features') + var('labels'), session_events_in_reach()) }}
)

select
    offer_anchors.offer_id,
    offer_anchors.user_id,
    offer_anchors.session_id,
    offer_anchors.decision_id,
    sessions.session_index,
    offer_anchors.offer_type,
    offer_anchors.policy_version,
    offer_anchors.offer_price,
    offer_anchors.propensity,
    offer_anchors.offer_purchased,
    offer_anchors.offer_dismissed,
    {%- for feature in var('features') + var('labels') %}
    features.{{ feature.name }},
    {%- endfor %}
    offer_anchors.anchored_at as offered_at,
    {{ label_matures_at('offer_anchors.anchored_at') }} as label_matures_at
from offer_anchors
inner join features on offer_anchors.anchor_id = features.anchor_id
inner join {{ ref('sessions') }} as sessions
    on
        offer_anchors.user_id = sessions.user_id
        and offer_anchors.session_id = sessions.session_id
