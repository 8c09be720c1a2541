"""What each figure of the page shows, as SQL over what the page was made from."""

# What is chosen, and each player with the last country that the events show.
CHOSEN = """
with players as (
    select customers.user_id, last.country from (
        select distinct user_id from landing.landed_events where not is_rejected) as customers
    left join (
        select user_id, arg_max(country, event_time) as country from landing.landed_events
        where country is not null group by user_id) as last using (user_id)
),
happened as (
    select events.*, events.event_time::date as day
    from staging.stg_events as events
    inner join players using (user_id)
    where $country is null or coalesce(players.country, 'unknown') = $country
),
chosen as (from happened where day between $first and $last)
"""
FIGURES = {
    "events": """select day::varchar as day, event_type, count(*) as events from chosen
        group by all""",
    "arrivals": """select day::varchar as day, 'late' as kind,
            count(case when file_id = (select max(file_id) from landing.landed_files) then 1 end)
                as events,
            events / count(*) as share
        from chosen group by all
        union all
        select chosen.day::varchar, 'repeated',
            count(distinct repeats.session_id || repeats.event_type) as events,
            events / count(distinct chosen.session_id || chosen.event_type || chosen.event_time)
        from chosen left join (
            select * from landing.repeated_events where delivery_number > 1) as repeats
        on repeats.user_id in (select user_id from happened)
            and repeats.event_time::date = chosen.day
        group by all""",
    "rejects": """select regexp_replace(reason, ':.*', '') as reason, count(*) as lines
        from landing.rejected_events group by all""",
    "active": """select day::varchar as day, 'on the day' as window,
            count(distinct user_id) as users
        from chosen group by all
        union all
        select day::varchar, 'in ' || n || ' days', (
            select count(distinct user_id) from happened as h
            where h.day between days.day - n + 1 and days.day)
        from (select distinct day from chosen) as days, (values (7), (28)) as ns (n)""",
    "new_users": """select days.day::varchar as day, (
            select count(*) from (select user_id from happened group by user_id
                having min(event_time)::date = days.day)) as new_users
        from (select distinct day from chosen) as days""",
    "retention": """with first as (select user_id, min(day) as day from happened group by all)
        select first.day::varchar as day, count(*) as users,
            if(n = 1, '1 day', n || ' days') as later,
            count(case when exists (from happened as h where h.user_id = first.user_id
                and h.day = first.day + n) then 1 end) as returned
        from first, (values (1), (7), (28)) as ns (n)
        where first.day between $first and $last and first.day + n <= '2025-01-20'
        group by all""",
    "sessions": """select day::varchar as day, 'sessions per player' as measure,
            count(distinct session_id) / count(distinct user_id) as value
        from chosen group by all
        union all
        select day::varchar, 'games per session',
            count(case when event_type = 'game_start' then 1 end) / count(distinct session_id)
        from chosen group by all""",
    "wins": """select day::varchar as day,
            count(case when event_type = 'game_start' then 1 end) as games_played,
            count(case when event_type = 'game_end' and won then 1 end) as games_won,
            games_won / games_played as share
        from chosen group by all""",
    "revenue": """select day::varchar as day, coalesce(sum(txn_amount), 0)::double as revenue,
            count(case when txn_amount > 0 then 1 end) as purchases,
            count(case when txn_amount < 0 then 1 end) as refunds,
            -coalesce(sum(least(txn_amount, 0)), 0)::double as refund_amount
        from chosen group by all""",
    "payers": """select day::varchar as day, count(distinct user_id) as active_users,
            count(distinct case when txn_amount > 0 then user_id end) as payers,
            payers / active_users as share
        from chosen group by all""",
    "per_user": """select day::varchar as day,
            coalesce(sum(txn_amount), 0)::double / count(distinct user_id) as per_active,
            sum(txn_amount)::double / count(distinct case when txn_amount > 0 then user_id end)
                as per_payer
        from chosen group by all""",
    "offers": """select offer_type || ' ' || offer_price::decimal(9, 2) as offer,
            count(*) as mature, avg(next_week_purchase_amount::double) as value,
            value - 1.96 * stddev(next_week_purchase_amount::double) / sqrt(count(*)) as low,
            value + 1.96 * stddev(next_week_purchase_amount::double) / sqrt(count(*)) as high
        from marts.training_offers where offered_at::date between $first and $last
            and is_label_mature and user_id in (select user_id from happened) group by all""",
    "takes": """select offer_type || ' ' || offer_price::decimal(9, 2) as offer, count(*) as shown,
            count(case when offer_purchased then 1 end) as purchased, purchased / shown as take
        from chosen where event_type = 'offer_shown' group by all""",
    "countries": """select coalesce(players.country, 'unknown') as country,
            offer_type || ' ' || offer_price::decimal(9, 2) as offer, count(*) as mature,
            avg(next_week_purchase_amount::double) as value
        from marts.training_offers inner join players using (user_id)
        where offered_at::date between $first and $last and is_label_mature
            and user_id in (select user_id from happened)
        group by players.country, offer_type, offer_price having count(*) >= 100
        qualify row_number() over (partition by players.country order by value desc) = 1""",
    "sign_in": """select offer_type || ' ' || offer_price::decimal(9, 2) as offer,
            if(last.signin = 'fb', 'Facebook', 'another') as sign_in, count(*) as mature,
            avg(next_week_purchase_amount::double) as value
        from marts.training_offers inner join (
            select user_id, arg_max(signin_method, event_time) as signin from happened
            where signin_method is not null group by user_id) as last using (user_id)
        where offered_at::date between $first and $last and is_label_mature group by all""",
    "lift": """with made as (
            select policy_in_place as policy, arm, user_id, event_time,
                event_time::date as day, next_week_purchase_amount::double as revenue
            from staging.stg_decisions inner join marts.training_offers using (offer_id, user_id)
            where is_label_mature and user_id in (select user_id from happened)),
        decided as (
            select * from (
                from made
                union all
                select * replace ('all-promoted' as policy) from made where policy = 'm1')
            qualify row_number() over (partition by policy, user_id order by event_time) = 1)
        select policy, count(case when arm = 'policy' then 1 end) as users,
            count(case when arm = 'holdout' then 1 end) as held_out,
            avg(case when arm = 'policy' then revenue end)
                - avg(case when arm = 'holdout' then revenue end) as lift
        from decided where day between $first and $last group by all""",
    "decisions": """select day::varchar as day, 'explored' as kind, count(*) as decisions,
            count(case when propensity < 0.6 then 1 end) / count(*) as share
        from chosen where event_type = 'offer_shown' and policy_version <> 'holdout-uniform'
        group by all
        union all
        select day::varchar, 'match', count(*), count(case when offer_type = 'vip' then 1 end)
            / count(*)
        from chosen where event_type = 'offer_shown' group by all""",
    "drift": """select day::varchar as day, feature, population_stability_index as index,
            null_share, unseen_share
        from marts.feature_drift where day between $first and $last""",
    "skew": """select feature, count(*) as decisions,
            count(case when not is_equal and not is_late_news then 1 end) as differ,
            differ / count(*) as share
        from marts.decision_skew where offered_at::date between $first and $last
            and user_id in (select user_id from happened) group by all""",
    "evaluation": """select policy_version, target_policy_version, decisions, logged_value,
            dr_value, difference_low, difference_high, warnings from marts.policy_evaluation""",
}
