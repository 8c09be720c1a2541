{%- set estimators = estimators() -%}
with

offers_shown as (
    select
        offer_id,
        decision_context
    from {{ ref('stg_offers_shown') }}
    where decision_context is not null
),

training_offers as (
    select * from {{ ref('training_offers') }}
    where is_label_mature and propensity > 0
),

-- What another policy would have done where one chose, as the service noted it then.
decisions as (
    select
        training_offers.user_id,
        training_offers.policy_version,
        {{ target_policy_field('policy_version') }} as target_policy_version,
        coalesce(
            training_offers.offer_type = {{ target_policy_field('offer_type') }}
            and training_offers.offer_price
            = {{ try_to('decimal(22, 4)', target_policy_field('offer_price')) }}, false
        ) as is_match,
        cast(training_offers.next_week_purchase_amount as double) as reward,
        {{ try_to('double', target_policy_field('propensity')) }} / training_offers.propensity as weight,
        {{ try_to('double', target_policy_field('predicted')) }} as predicted,
        {{ try_to('double', target_policy_field('value')) }} as predicted_value
    from training_offers
    inner join offers_shown on training_offers.offer_id = offers_shown.offer_id
),

-- A user's decisions depend on each other: users are what is drawn again.
users as (
    select
        policy_version,
        target_policy_version,
        user_id,
        cast(count(*) as double) as decision_count,
        cast(count(case when is_match then 1 end) as double) as matches,
        sum(reward) as reward,
        sum(predicted_value) as predicted_value,
        sum(weight * reward) as weighted_reward,
        sum(weight) as weight,
        sum(weight * weight) as squared_weight,
        sum(predicted_value + weight * (reward - predicted)) as robust_value
    from decisions
    where
        weight is not null
        and predicted is not null
        and predicted_value is not null
    group by policy_version, target_policy_version, user_id
),

draws as (
    select
        users.*,
        numbers.number as draw,
        -- The first draw is the users as they are.
        case
            when numbers.number = 0 then 1
            else {{ poisson_draws(
                uniform_draw("users.user_id || '|' || numbers.number")) }}
        end as times
    from users
    cross join {{ numbers_to(var('bootstraps')) }} as numbers
),

sums as (
    select
        policy_version,
        target_policy_version,
        draw,
        {%- for total in ['decision_count', 'matches', 'reward', 'predicted_value',
            'weighted_reward', 'weight', 'squared_weight', 'robust_value'] %}
        sum(times * {{ total }}) as {{ total }},
        {%- endfor %}
        sum(times) as user_count
    from draws
    group by policy_version, target_policy_version, draw
),

estimates as (
    select
        {%- for name, expression in estimators.items() %}
        {{ expression }} as {{ name }}_value,
        {%- endfor %}
        *
    from sums
    where decision_count > 0
),

intervals as (
    select
        {%- for name in estimators %}
        {{ quantile(name ~ '_value', 0.025) }} as {{ name }}_low,
        {{ quantile(name ~ '_value', 0.975) }} as {{ name }}_high,
        {%- endfor %}
        policy_version,
        target_policy_version
    from estimates
    where draw > 0
    group by policy_version, target_policy_version
)

select
    estimates.policy_version,
    estimates.target_policy_version,
    {%- for name in estimators %}
    estimates.{{ name }}_value,
    intervals.{{ name }}_low,
    intervals.{{ name }}_high,
    {%- endfor %}
    cast(estimates.user_count as bigint) as user_count,
    cast(estimates.decision_count as bigint) as decisions,
    estimates.matches / estimates.decision_count as match_rate,
    estimates.weight * estimates.weight / nullif(estimates.squared_weight, 0)
        as effective_sample_size
from estimates
inner join intervals
    on
        estimates.policy_version = intervals.policy_version
        and estimates.target_policy_version = intervals.target_policy_version
where estimates.draw = 0
