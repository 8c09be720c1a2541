-- Sets first_day (of what the page may show), last_day and whole_day, the last one that is over.
create or replace temp table activity as from marts.daily_activity;

set variable last_day = (select max(day) from activity);

set variable first_day = (
    select greatest(min(day), getvariable('last_day') - (getvariable('most_days') - 1))
    from activity
);

set variable whole_day = (select cast(watermark_at as date) - 1 from sessions.watermark);

-- The countries with most players by name; the others together.
create or replace temp table countries as
with ranked as (
    select
        country,
        row_number() over (order by sum(active_users) desc, country) as place
    from activity
    where country is not null
    group by country
)

select
    country,
    case when place <= getvariable('most_countries') then country else 'other' end as label
from ranked
union all
select
    null as country,
    'unknown' as label;

create or replace temp table players as
select
    profiles.user_id,
    countries.label as country,
    profiles.facebook_connected
from sessions.user_profiles as profiles
inner join countries on profiles.country is not distinct from countries.country
where profiles.valid_to is null;

create or replace temp table skew as
select
    cast(offered_at as date) as day,
    user_id,
    feature,
    is_equal,
    is_late_news
from marts.decision_skew;

create or replace temp table drift as from marts.feature_drift;
