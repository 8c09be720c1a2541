{#-
Policies under which another share of users is in the holdout than was declared: Pearson's
chi-squared (1900), one degree of freedom.

- one: the singular of the decision point, which names the id of a decision
-#}
{% test arms_have_their_shares(model, one) %}
with

numbered as (
    select
        policy_in_place,
        arm,
        holdout_share,
        row_number() over (
            partition by policy_in_place, user_id order by event_time, {{ one }}_id
        ) as decision_number
    from {{ model }}
    where arm is not null and holdout_share is not null
),

counted as (
    select
        policy_in_place,
        count(*) as users,
        cast(count(case when arm = 'holdout' then 1 end) as double) as holdout_users,
        sum(holdout_share) as expected,
        sum(holdout_share * (1 - holdout_share)) as variance
    from numbered
    where decision_number = 1
    group by policy_in_place
)

select * from counted
where
    -- With a share of 0 or 1 nobody may be in the other arm.
    (variance = 0 and holdout_users <> expected)
    or (
        least(expected, users - expected) >= 5
        and power(holdout_users - expected, 2) / nullif(variance, 0)
        > {{ offer_ai.chi_squared_limit(1) }}
    )
{% endtest %}
