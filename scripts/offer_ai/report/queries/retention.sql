select
    retention.first_day - getvariable('first_day') as day,
    countries.label as country,
    retention.days_since,
    sum(retention.users) as users,
    sum(retention.returned) as returned
from marts.retention as retention
inner join countries on retention.country is not distinct from countries.country
where retention.first_day >= getvariable('first_day') and retention.days_since in (1, 7, 28)
group by all
order by all
