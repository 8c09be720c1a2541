-- As marts.policy_lift, by country: each user once, with the week from the first decision.
with

decided as (
    select
        decisions.policy_in_place as policy,
        decisions.arm,
        decisions.user_id,
        cast(decisions.event_time as date) as day,
        cast(labels.next_week_purchase_amount as double) as revenue
    from staging.stg_decisions as decisions
    inner join anchors.offer_labels as labels on decisions.offer_id = labels.offer_id
    cross join sessions.watermark as watermark
    where
        decisions.arm is not null
        and decisions.policy_in_place is not null
        and labels.label_matures_at <= watermark.watermark_at
    qualify row_number() over (
        partition by decisions.policy_in_place, decisions.user_id
        order by decisions.event_time, decisions.offer_id
    ) = 1
)

select
    decided.day - getvariable('first_day') as day,
    coalesce(players.country, 'unknown') as country,
    decided.policy,
    decided.arm,
    count(*) as users,
    sum(decided.revenue) as s1,
    sum(decided.revenue ** 2) as s2,
    sum(decided.revenue ** 3) as s3,
    sum(decided.revenue ** 4) as s4
from decided
left join players on decided.user_id = players.user_id
group by all
order by all
