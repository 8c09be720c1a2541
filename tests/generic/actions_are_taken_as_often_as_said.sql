{#-
Policies whose actions are taken in other shares than the probabilities that they logged: Pearson's
chi-squared (1900) of each policy's actions, against the sum of their probabilities.

- decision_point: its name
-#}
{% test actions_are_taken_as_often_as_said(model, decision_point) %}
{%- set point = offer_ai.decision_point(decision_point) -%}
{%- set action = point.action %}
with

-- Decisions between the same candidates at the same probabilities are counted together: a
-- policy knows few such lists.
made as (
    select
        policy_version,
        candidates,
        {%- for column in action %}
        {{ column }},
        {%- endfor %}
        count(*) as decisions
    from {{ model }}
    where candidates is not null and propensity > 0
    group by {{ (['policy_version', 'candidates'] + action) | join(', ') }}
),

lists as (
    select
        policy_version,
        candidates,
        sum(decisions) as decisions
    from made
    group by policy_version, candidates
),

listed as (
    select
        policy_version,
        candidates,
        decisions,
        {{ offer_ai.json_struct_rows('candidates', dict.fromkeys(action + ['probability'])) }} as candidate
    from lists
),

chances as (
    select
        policy_version,
        candidates,
        decisions,
        {%- for column in action %}
        {{ offer_ai.try_to(offer_ai.column_type(point, column), "candidate['" ~ column ~ "']") }} as {{ column }},
        {%- endfor %}
        {{ offer_ai.to_probability("candidate['probability']") }} as probability
    from listed
),

-- What an apprentice logs is no distribution: it knows at most the caller's one probability.
whole as (
    select
        policy_version,
        candidates
    from chances
    group by policy_version, candidates
    having count(*) = count(probability) and abs(sum(probability) - 1) < 1e-6
),

expected as (
    select
        chances.policy_version,
        {%- for column in action %}
        chances.{{ column }},
        {%- endfor %}
        sum(chances.decisions * chances.probability) as expected
    from chances
    inner join whole
        on
            chances.policy_version = whole.policy_version
            and chances.candidates = whole.candidates
    group by chances.policy_version{% for column in action %}, chances.{{ column }}{% endfor %}
),

observed as (
    select
        made.policy_version,
        {%- for column in action %}
        made.{{ column }},
        {%- endfor %}
        sum(made.decisions) as made
    from made
    inner join whole
        on
            made.policy_version = whole.policy_version
            and made.candidates = whole.candidates
    group by made.policy_version{% for column in action %}, made.{{ column }}{% endfor %}
),

compared as (
    select
        expected.policy_version,
        sum(power(coalesce(observed.made, 0) - expected.expected, 2) / expected.expected)
            as chi_squared,
        count(*) - 1 as degrees_of_freedom
    from expected
    left join observed
        on
            expected.policy_version = observed.policy_version
            {%- for column in action %}
            and expected.{{ column }} = observed.{{ column }}
            {%- endfor %}
    -- Below five the distribution is another.
    where expected.expected >= 5
    group by expected.policy_version
    having count(*) > 1
)

select * from compared
where chi_squared > {{ offer_ai.chi_squared_limit('degrees_of_freedom') }}
{% endtest %}
