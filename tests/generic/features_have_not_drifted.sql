{#- Features that have drifted on the last day that is over. -#}
{% test features_have_not_drifted(model) %}
with

last_day as (
    select max(drift.day) as day
    from {{ model }} as drift
    cross join {{ ref('offer_ai', 'watermark') }} as watermark
    where drift.day < cast(watermark.watermark_at as date)
)

select feature_drift.*
from {{ model }} as feature_drift
inner join last_day on feature_drift.day = last_day.day
where feature_drift.has_drifted
{% endtest %}
