{#-
What another policy would have earned where one decided: the estimates of each pair of policies,
one row each, or one that says why there is none. `decisions` is a relation of `decision_notes`.
-#}
{% macro policy_evaluation(name, decisions) -%}
    {%- set point = offer_ai.decision_point(name) -%}
    {%- set estimators = offer_ai.estimators() -%}
    {%- set limits = var('estimates') -%}
    with

    asked as (
        select * from {{ decisions }}
        where
            target_policy_version is not null
            and target_propensity is not null
            and target_predicted is not null
            and target_value is not null
            -- Where a candidate had no chance it could go one way only, as a named offer of the
            -- holdout does; LoggedCandidates.is_open says the same.
            {%- for chance in ['0}', '0,', '0.0}', '0.0,'] %}
            and coalesce(replace(candidates, ' ', '') not like '%"probability":{{ chance }}%', true)
            {%- endfor %}
    ),

    -- Twice, as a relation that is used once is not copied first.
    noted as (
        select target_policy_version from {{ decisions }}
    ),

    labels as (
        select * from {{ ref(point.one ~ '_labels') }}
    ),

    watermark as (
        select * from {{ ref('offer_ai', 'watermark') }}
    ),

    -- What another policy would have done where one chose, as the service noted it then. A
    -- decision whose propensity nobody knows has no weight: it is in the direct method alone.
    decisions as (
        select
            -- Two users in some billions would be taken for one, which does no estimate harm.
            {{ offer_ai.fingerprint(['asked.user_id']) }} as user_key,
            coalesce(asked.policy_version, 'unknown') as policy_version,
            asked.target_policy_version,
            cast({{ offer_ai.reward(name, 'labels') }} as double) as reward,
            asked.target_predicted as predicted,
            asked.target_value as predicted_value,
            case
                when
                    {%- for column in point.action %}
                    {{ 'and ' if not loop.first }}asked.{{ column }} = asked.target_{{ column }}
                    {%- else %}
                    true
                    {%- endfor %}
                    then 1
                else 0
            end as is_match,
            case when asked.propensity > 0 then 1 else 0 end as is_known,
            case
                when asked.propensity > 0
                    then asked.target_propensity / asked.propensity
                else 0
            end as weight
        from asked
        inner join labels on asked.{{ point.one }}_id = labels.{{ point.one }}_id
        inner join watermark on labels.label_matures_at <= watermark.watermark_at
    ),

    -- A user's decisions depend on each other: what varies is users.
    users as (
        select
            policy_version,
            target_policy_version,
            user_key,
            cast(count(*) as double) as decision_count,
            cast(sum(is_match) as double) as matches,
            cast(sum(is_known) as double) as known,
            sum(reward) as reward,
            sum(predicted_value) as predicted_value,
            sum(weight * reward) as weighted_reward,
            sum(weight) as weight,
            sum(weight * weight) as squared_weight,
            max(weight) as largest_weight,
            sum(is_known * predicted_value + weight * (reward - predicted)) as robust_value,
            sum(is_known * (predicted_value - reward) + weight * (reward - predicted)) as robust_gain
        from decisions
        group by policy_version, target_policy_version, user_key
    ),

    totals as (
        select
            policy_version as decider,
            target_policy_version as target,
            cast(count(*) as bigint) as users,
            {%- for total in ['decision_count', 'matches', 'known'] %}
            sum({{ total }}) as total_{{ total }},
            {%- endfor %}
            {%- for name, (numerator, denominator, counted) in estimators.items() %}
            nullif(sum({{ denominator }}), 0) as {{ name }}_base,
            sum({{ numerator }}) / nullif(sum({{ denominator }}), 0) as {{ name }}_value,
            {%- endfor %}
            max(largest_weight) / nullif(sum(weight), 0) as largest_weight_share,
            sum(weight) * sum(weight) / nullif(sum(squared_weight), 0) as effective_sample_size,
            1 - sum(known) / sum(decision_count) as unknown_share
        from users
        group by policy_version, target_policy_version
    ),

    -- By how much each user moves each estimate, to first order: the linearised estimator.
    deviations as (
        select
            {%- for name, (numerator, denominator, counted) in estimators.items() %}
            users.{{ numerator }} - totals.{{ name }}_value * users.{{ denominator }}
                as {{ name }}_deviation,
            {%- endfor %}
            users.decision_count,
            users.known,
            totals.decider,
            totals.target
        from users
        inner join totals
            on
                users.policy_version = totals.decider
                and users.target_policy_version = totals.target
    ),

    moments as (
        select
            {%- for name, (numerator, denominator, counted) in estimators.items() %}
            {{ offer_ai.moments(name, name ~ '_deviation', counted) }},
            {%- endfor %}
            decider,
            target
        from deviations
        group by decider, target
    ),

    spreads as (
        select
            {%- for name in estimators %}
            moments.{{ name }}_users,
            {{ offer_ai.degrees_of_freedom(
                'moments.' ~ name ~ '_users', 'moments.' ~ name ~ '_m2', 'moments.' ~ name ~ '_m4',
            ) }} as {{ name }}_df,
            sqrt(
                moments.{{ name }}_m2 * moments.{{ name }}_users
                / nullif(moments.{{ name }}_users - 1, 0)
            ) / abs(totals.{{ name }}_base) as {{ name }}_error,
            moments.{{ name }}_m3 / nullif(power(moments.{{ name }}_m2, 1.5), 0)
                as {{ name }}_skewness,
            {%- endfor %}
            totals.*
        from totals
        inner join moments on totals.decider = moments.decider and totals.target = moments.target
    ),

    estimates as (
        select
            {%- for name in estimators %}
            case
                when {{ name }}_users >= {{ limits.min_users }} and {{ name }}_df > 0
                    then {{ offer_ai.t_quantile(name ~ '_df') }}
            end as {{ name }}_t,
            {%- endfor %}
            *
        from spreads
    ),

    judged as (
        select
            *,
            nullif(concat_ws(
                '; ',
                case
                    when dr_users < {{ limits.min_users }}
                        then 'fewer than {{ limits.min_users }} users with a known propensity: no interval'
                end,
                case
                    when coalesce(dr_df, 0) < {{ limits.min_degrees_of_freedom }}
                        then 'a few users make nearly all of the variance: the interval may not cover'
                end,
                case
                    when coalesce(effective_sample_size, 0) < {{ limits.min_effective_sample }}
                        then 'effective sample size below {{ limits.min_effective_sample }}'
                end,
                case
                    when largest_weight_share > {{ limits.max_weight_share }}
                        then 'one decision carries more than {{ limits.max_weight_share }} of all weight'
                end,
                case
                    when
                        abs(weight_value - 1)
                        > greatest({{ limits.max_mean_weight_error }}, 3.29 * coalesce(weight_error, 0))
                        then 'weights do not average 1: propensities are wrong, or some of the policy''s actions were never logged'
                end,
                case
                    when
                        total_decision_count - total_known
                        > {{ limits.max_unknown_share }} * total_decision_count
                        then 'decisions without a propensity'
                end
            ), '') as warnings
        from estimates
    ),

    policy_evaluation as (
        select
            decider as policy_version,
            target as target_policy_version,
            users,
            cast(total_decision_count as bigint) as decisions,
            cast(total_decision_count - total_known as bigint) as decisions_without_propensity,
            total_matches / total_decision_count as match_rate,
            weight_value as mean_weight,
            effective_sample_size,
            {%- for name in estimators if name != 'weight' %}
            {{ name }}_value,
            {{ offer_ai.interval_end(name, 1) }} as {{ name }}_low,
            {{ offer_ai.interval_end(name, -1) }} as {{ name }}_high,
            {%- endfor %}
            warnings
        from judged
    ),

    -- An empty table says nothing; this row says why there is no other.
    why_empty as (
        select
            'none' as policy_version,
            'none' as target_policy_version,
            cast(0 as bigint) as users,
            cast(0 as bigint) as decisions,
            cast(0 as bigint) as decisions_without_propensity,
            cast(null as double) as match_rate,
            cast(null as double) as mean_weight,
            cast(null as double) as effective_sample_size,
            {%- for name in estimators if name != 'weight' %}
            cast(null as double) as {{ name }}_value,
            cast(null as double) as {{ name }}_low,
            cast(null as double) as {{ name }}_high,
            {%- endfor %}
            case
                when count(*) = 0
                    then 'no {{ point.one }} carries what the service knew (decision_context)'
                when count(target_policy_version) = 0
                    then 'no decision notes what another policy would have done, as of a challenger'
                else 'no decision that notes another policy has a mature label'
            end as warnings
        from noted
        having not exists (select 1 from totals)
    )

    select * from policy_evaluation
    union all
    select * from why_empty
{%- endmacro %}
