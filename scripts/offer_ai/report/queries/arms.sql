-- As marts.policy_lift, by country: each user once, with the week from the first decision.
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
from anchors.arm_decisions as decided
left join players on decided.user_id = players.user_id
where decided.is_first
group by all
order by all
