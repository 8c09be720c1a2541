-- Explored: the offer made is not the one that is likeliest; where several are, all is. Of an apprentice, who knows
-- the chance of the game's own offer at most, nobody can tell.
with told as (
    select
        cast(event_time as date) as day,
        user_id,
        propensity,
        arm,
        target_policy_version is not null as is_asked,
        is_match,
        case when json_valid(candidates)
            then try_cast(json_extract(candidates, '$[*].probability') as double[])
        end as chances
    from decided
    where cast(event_time as date) >= getvariable('first_day')
),

decisions as (
    select * replace (case when list_count(chances) = len(chances) then chances end as chances)
    from told
)

select
    decisions.day - getvariable('first_day') as day,
    coalesce(players.country, 'unknown') as country,
    count(case when decisions.arm = 'holdout' then 1 end) as held_out,
    count(decisions.arm) as in_arms,
    count(case when decisions.arm is distinct from 'holdout' and decisions.propensity is not null
        and len(decisions.chances) > 0 then 1 end) as decisions,
    count(case when decisions.arm is distinct from 'holdout' and (
        decisions.propensity < list_max(decisions.chances) - 1e-9
        or len(list_filter(decisions.chances,
            lambda chance: chance >= list_max(decisions.chances) - 1e-9)) > 1
    ) then 1 end) as explored,
    count(case when decisions.is_asked then 1 end) as asked,
    count(case when decisions.is_match then 1 end) as matches
from decisions
left join players on decisions.user_id = players.user_id
group by all
order by all
