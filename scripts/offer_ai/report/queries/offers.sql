select
    cast(offers.offered_at as date) - getvariable('first_day') as day,
    coalesce(players.country, 'unknown') as country,
    case
        when players.facebook_connected then 'Facebook'
        when not players.facebook_connected then 'another'
        else 'unknown'
    end as sign_in,
    offers.offer,
    count(*) as shown,
    count(case when offers.offer_purchased then 1 end) as purchased,
    count(case when offers.is_label_mature then 1 end) as mature,
    cast(sum(case when offers.is_label_mature then offers.reward else 0 end)
        as double) as s1,
    sum(case when offers.is_label_mature
        then cast(offers.reward as double) ** 2 else 0 end) as s2
from shown as offers
left join players on offers.user_id = players.user_id
where cast(offers.offered_at as date) >= getvariable('first_day')
group by all
order by all
