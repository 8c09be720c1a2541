{%- for name in var('decision_points') or {} %}
{%- set point = decision_point(name) %}
{{ 'union all' if not loop.first }}
select
    '{{ name }}' as decision_point,
    training.{{ point.one }}_id as anchor_id,
    training.label_matures_at
from {{ ref('training_' ~ name) }} as training
cross join {{ ref('watermark') }} as watermark
where
    training.is_label_mature
    <> (training.label_matures_at <= watermark.watermark_at)
    or training.label_matures_at < training.{{ point.time }}
    {%- if point.labels %}
    or training.label_matures_at = training.{{ point.time }}
    {%- endif %}
{%- else %}
select 1 as no_decision_point where false
{%- endfor %}
