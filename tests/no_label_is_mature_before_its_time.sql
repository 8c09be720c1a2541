-- The watermark and the ends of windows are computed from events and declarations here, as the
-- words say.
with

last_events as (
    select
        user_id,
        max(event_time) as last_event_at
    from {{ ref('stg_events') }}
    group by user_id
),

latest as (
    select last_event_at
    from last_events
    order by last_event_at desc
    limit {{ var('watermark_users') }}
),

watermark as (
    select least(min(latest.last_event_at), max(files.landed_at)) as watermark_at
    from latest
    cross join {{ ref('landed_files') }} as files
)
{% for name in var('decision_points') or {} %}
{%- set point = decision_point(name) %}
{{ 'union all' if not loop.first }}
select
    '{{ name }}' as decision_point,
    training.{{ point.one }}_id as anchor_id,
    training.label_matures_at
from {{ ref('training_' ~ name) }} as training
cross join watermark
where
    training.is_label_mature
    <> (training.label_matures_at <= watermark.watermark_at)
    or training.label_matures_at < training.{{ point.time }}
    {%- for window in feature_windows(point.labels) %}
    or training.label_matures_at < training.{{ point.time }} + interval '{{ window.size }}' {{ window.unit }}
    {%- endfor %}
{%- else %}
select 1 as no_decision_point where false
{%- endfor %}
