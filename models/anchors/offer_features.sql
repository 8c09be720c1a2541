{{ config(pre_hook="{{ delete_stale_rows(features_are_changed('offered_at', 'changed_from')) }}") }}

with

anchors_to_do as (
    {{ changed_anchors(features_are_changed('offers.anchored_at', 'changed_users.changed_from')) }}
),

features as (
    {{ anchor_features('anchors_to_do', var('features'), session_events_in_reach()) }}
)

select
    anchors_to_do.anchor_id as offer_id,
    anchors_to_do.user_id,
    anchors_to_do.session_id,
    anchors_to_do.decision_id,
    sessions.session_index,
    anchors_to_do.offer_type,
    anchors_to_do.policy_version,
    anchors_to_do.offer_price,
    anchors_to_do.propensity,
    anchors_to_do.offer_purchased,
    anchors_to_do.offer_dismissed,
    {%- for feature in var('features') %}
    features.{{ feature.name }},
    {%- endfor %}
    anchors_to_do.anchored_at as offered_at
from anchors_to_do
inner join features on anchors_to_do.anchor_id = features.anchor_id
left join {{ ref('session_rollups') }} as sessions
    on
        anchors_to_do.user_id = sessions.user_id
        and anchors_to_do.session_id = sessions.session_id
