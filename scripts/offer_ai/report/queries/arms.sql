-- As marts.policy_lift, by country: each user once, with the week from the first decision.
with counted as (
    select * from anchors.arm_decisions
    where is_first
    union all
    select * replace ('all-promoted' as policy_version) from anchors.arm_decisions
    where is_first_promoted
)

select
    cast(decided.decided_at as date) - getvariable('first_day') as day,
    coalesce(players.country, 'unknown') as country,
    decided.policy_version as policy,
    decided.arm,
    count(*) as users,
    sum(decided.revenue) as s1,
    sum(decided.revenue ** 2) as s2,
    sum(decided.revenue ** 3) as s3,
    sum(decided.revenue ** 4) as s4
from counted as decided
left join players on decided.user_id = players.user_id
group by all
order by all
