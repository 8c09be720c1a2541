select
    skew.day - getvariable('first_day') as day,
    coalesce(players.country, 'unknown') as country,
    skew.feature,
    count(*) as decisions,
    count(case when not skew.is_equal and not skew.is_late_news then 1 end) as differ,
    count(case when skew.is_late_news then 1 end) as late_news
from skew
left join players on skew.user_id = players.user_id
where skew.day >= getvariable('first_day')
group by all
order by all
