{#-
Decisions that were made in an arm and whose label is mature, and what each brought (`earned`
names the column). `decisions` is a relation of `decision_notes`.
-#}
{% macro arm_decisions(name, decisions, earned='reward') -%}
    {%- set point = offer_ai.decision_point(name) -%}
    with

    decisions as (
        select * from {{ decisions }}
        where arm is not null and policy_in_place is not null
    ),

    labels as (
        select * from {{ ref(point.one ~ '_labels') }}
    ),

    watermark as (
        select * from {{ ref('offer_ai', 'watermark') }}
    )

    select
        decisions.{{ point.one }}_id,
        decisions.user_id,
        decisions.policy_in_place as policy_version,
        decisions.arm,
        decisions.event_time as decided_at,
        cast({{ offer_ai.reward(name, 'labels') }} as double) as {{ earned }},
        row_number() over (
            partition by decisions.policy_in_place, decisions.user_id
            order by decisions.event_time, decisions.{{ point.one }}_id
        ) = 1 as is_first,
        decisions.policy_in_place <> 'fallback-uniform'
        and row_number() over (
            partition by decisions.user_id, decisions.policy_in_place = 'fallback-uniform'
            order by decisions.event_time, decisions.{{ point.one }}_id
        ) = 1 as is_first_promoted
    from decisions
    inner join labels on decisions.{{ point.one }}_id = labels.{{ point.one }}_id
    inner join watermark on labels.label_matures_at <= watermark.watermark_at
{%- endmacro %}

{#-
What users brought by policy, arm and day, and the lift over the holdout; of `arm_decisions`. All
promoted policies together are the policy `all-promoted`.
-#}
{% macro policy_lift(arm_decisions, earned='reward') -%}
    {%- set limits = var('estimates') -%}
    with

    arm_decisions as (
        select * from {{ arm_decisions }}
    ),

    -- The next policy is soon promoted, before a small holdout tells anything of this one.
    counted as (
        select
            policy_version,
            arm,
            decided_at,
            {{ earned }},
            is_first
        from arm_decisions
        union all
        select
            'all-promoted' as policy_version,
            arm,
            decided_at,
            {{ earned }},
            is_first_promoted as is_first
        from arm_decisions
        where policy_version <> 'fallback-uniform'
    ),

    -- A user counts once, in the arm and with what it brought in from the first decision:
    -- whatever an arm does to later decisions, and to whether there are any, is in it.
    by_day as (
        select
            policy_version,
            arm,
            cast(decided_at as date) as day,
            count(*) as decisions,
            count(case when is_first then 1 end) as users,
            sum(case when is_first then {{ earned }} else 0 end) as s1,
            sum(case when is_first then power({{ earned }}, 2) else 0 end) as s2,
            sum(case when is_first then power({{ earned }}, 3) else 0 end) as s3,
            sum(case when is_first then power({{ earned }}, 4) else 0 end) as s4
        from counted
        group by policy_version, arm, cast(decided_at as date)
    ),

    days as (
        select distinct
            policy_version,
            day
        from by_day
    ),

    arms as (
        select distinct
            policy_version,
            arm
        from by_day
    ),

    until_day as (
        select
            days.policy_version,
            days.day,
            arms.arm,
            sum(coalesce(by_day.decisions, 0)) over so_far as decisions,
            cast(sum(coalesce(by_day.users, 0)) over so_far as double) as users,
            sum(coalesce(by_day.s1, 0)) over so_far as s1,
            sum(coalesce(by_day.s2, 0)) over so_far as s2,
            sum(coalesce(by_day.s3, 0)) over so_far as s3,
            sum(coalesce(by_day.s4, 0)) over so_far as s4
        from days
        inner join arms on days.policy_version = arms.policy_version
        left join by_day
            on
                days.policy_version = by_day.policy_version
                and days.day = by_day.day
                and arms.arm = by_day.arm
        window so_far as (
            partition by days.policy_version, arms.arm
            order by days.day
            rows between unbounded preceding and current row
        )
    ),

    means as (
        select
            *,
            s1 / nullif(users, 0) as mean
        from until_day
    ),

    -- Sums of powers of the deviation from the mean.
    central as (
        select
            *,
            greatest(s2 - users * mean * mean, 0) as m2,
            s3 - 3 * mean * s2 + 2 * users * power(mean, 3) as m3,
            greatest(s4 - 4 * mean * s3 + 6 * mean * mean * s2 - 3 * users * power(mean, 4), 0) as m4
        from means
    ),

    spreads as (
        select
            *,
            m2 / nullif(users * (users - 1), 0) as variance,
            m3 / power(users, 3) as third,
            {{ offer_ai.degrees_of_freedom('users', 'm2', 'm4') }} as df
        from central
        where users > 0
    ),

    compared as (
        select
            spreads.*,
            holdout.users as holdout_users,
            spreads.mean - holdout.mean as lift_value,
            spreads.variance + holdout.variance as lift_variance,
            spreads.third - holdout.third as lift_third,
            -- Welch's, of both arms.
            power(spreads.variance + holdout.variance, 2) / nullif(
                power(spreads.variance, 2) / nullif(spreads.df, 0)
                + power(holdout.variance, 2) / nullif(holdout.df, 0), 0
            ) as lift_df
        from spreads
        left join spreads as holdout
            on
                spreads.policy_version = holdout.policy_version
                and spreads.day = holdout.day
                and spreads.arm = 'policy'
                and holdout.arm = 'holdout'
    ),

    estimates as (
        select
            *,
            mean as mean_value,
            sqrt(variance) as mean_error,
            third / nullif(power(variance, 1.5), 0) as mean_skewness,
            case when arm = 'policy' then lift_df else df end as judged_df,
            case when users >= {{ limits.min_users }} and df > 0 then {{ offer_ai.t_quantile('df') }} end
                as mean_t,
            sqrt(lift_variance) as lift_error,
            lift_third / nullif(power(lift_variance, 1.5), 0) as lift_skewness,
            case
                when least(users, holdout_users) >= {{ limits.min_users }} and lift_df > 0
                    then {{ offer_ai.t_quantile('lift_df') }}
            end as lift_t
        from compared
    )

    select
        policy_version,
        arm,
        case
            when arm = 'policy' and holdout_users is null
                then 'no user of the holdout has a mature decision: without a holdout_share none will'
            when least(users, coalesce(holdout_users, users)) < {{ limits.min_users }}
                then 'fewer than {{ limits.min_users }} users in an arm: no interval'
            when judged_df is null
                then 'nothing varies between users of an arm: no interval'
            when judged_df < {{ limits.min_degrees_of_freedom }}
                then 'a few users make nearly all of the variance: the interval may not cover'
        end as warnings,
        cast(users as bigint) as users,
        cast(decisions as bigint) as decisions,
        mean_value as {{ earned }}_per_user,
        {{ offer_ai.interval_end('mean', 1) }} as {{ earned }}_per_user_low,
        {{ offer_ai.interval_end('mean', -1) }} as {{ earned }}_per_user_high,
        lift_value as lift,
        {{ offer_ai.interval_end('lift', 1) }} as lift_low,
        {{ offer_ai.interval_end('lift', -1) }} as lift_high,
        day
    from estimates
{%- endmacro %}
