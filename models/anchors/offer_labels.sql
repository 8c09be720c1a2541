{{ config(pre_hook="{{ delete_stale_rows(labels_are_changed('offered_at', 'changed_from')) }}") }}

with

anchors_to_do as (
    {{ changed_anchors(labels_are_changed('offers.anchored_at', 'changed_users.changed_from')) }}
),

labels as (
    {{ anchor_features('anchors_to_do', var('labels'), ref('session_events')) }}
)

select
    anchors_to_do.anchor_id as offer_id,
    anchors_to_do.user_id,
    {%- for label in var('labels') %}
    labels.{{ label.name }},
    {%- endfor %}
    anchors_to_do.anchored_at as offered_at,
    {{ label_matures_at('anchors_to_do.anchored_at') }} as label_matures_at
from anchors_to_do
inner join labels on anchors_to_do.anchor_id = labels.anchor_id
