{{ config(severity='warn') }}
-- Of the last day that is over.
with

last_day as (
    select max(drift.day) as day
    from {{ ref('feature_drift') }} as drift
    cross join {{ ref('watermark') }} as watermark
    where drift.day < cast(watermark.watermark_at as date)
)

select feature_drift.*
from {{ ref('feature_drift') }} as feature_drift
inner join last_day on feature_drift.day = last_day.day
where feature_drift.has_drifted
