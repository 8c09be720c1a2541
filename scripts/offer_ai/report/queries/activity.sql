select
    activity.day - getvariable('first_day') as day,
    countries.label as country,
    sum(active_users) as active_users,
    sum(active_users_7_days) as active_users_7_days,
    sum(active_users_28_days) as active_users_28_days,
    sum(new_users) as new_users,
    sum(sessions) as sessions,
    sum(games_played) as games_played,
    sum(games_won) as games_won,
    sum(payers) as payers,
    sum(purchases) as purchases,
    sum(refunds) as refunds,
    cast(sum(revenue) as double) as revenue,
    cast(sum(refund_amount) as double) as refund_amount
from activity
inner join countries on activity.country is not distinct from countries.country
where activity.day >= getvariable('first_day')
group by all
order by all
