{{ config(enabled=is_declared('offers')) }}
with

stg_decisions as (
    select * from {{ ref('stg_decisions') }}
    where arm is not null and policy_in_place is not null
),

offer_labels as (
    select * from {{ ref('offer_labels') }}
),

watermark as (
    select * from {{ ref('watermark') }}
)

select
    stg_decisions.offer_id,
    stg_decisions.user_id,
    stg_decisions.policy_in_place as policy_version,
    stg_decisions.arm,
    stg_decisions.event_time as decided_at,
    cast({{ reward('offers', 'offer_labels') }} as double) as revenue,
    row_number() over (
        partition by stg_decisions.policy_in_place, stg_decisions.user_id
        order by stg_decisions.event_time, stg_decisions.offer_id
    ) = 1 as is_first
from stg_decisions
inner join offer_labels on stg_decisions.offer_id = offer_labels.offer_id
inner join watermark on offer_labels.label_matures_at <= watermark.watermark_at
