select
    cast(repeats.event_time as date) - getvariable('first_day') as day,
    coalesce(players.country, 'unknown') as country,
    count(*) as repeats
from landing.repeated_events as repeats
left join players on repeats.user_id = players.user_id
where
    repeats.delivery_number > 1
    and cast(repeats.event_time as date) >= getvariable('first_day')
group by all
order by all
