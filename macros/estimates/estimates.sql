{#- Off-policy estimates in SQL; scripts/offer_ai/learning/off_policy.py cites the sources of the formulas. -#}

{#-
How often a Poisson bootstrap draws a row, from a number in [0, 1): the quantile of the
Poisson distribution of mean 1, cut at 6.
Source: Chamandy et al., Estimating Uncertainty for Massive Data Streams (2012).
-#}
{% macro poisson_draws(uniform) -%}
    case
        when {{ uniform }} < 0.36787944 then 0
        when {{ uniform }} < 0.73575888 then 1
        when {{ uniform }} < 0.91969860 then 2
        when {{ uniform }} < 0.98101184 then 3
        when {{ uniform }} < 0.99634015 then 4
        when {{ uniform }} < 0.99940582 then 5
        else 6
    end
{%- endmacro %}

{#- Each estimator as SQL over sums of a policy's decisions: a dict of name to expression. -#}
{% macro estimators() %}
    {{ return({
        'logged': 'reward / decision_count',
        'dm': 'predicted_value / decision_count',
        'ips': 'weighted_reward / decision_count',
        'snips': 'weighted_reward / nullif(weight, 0)',
        'dr': 'robust_value / decision_count',
    }) }}
{% endmacro %}

{#- What `offers_shown.decision_context` says of the policy that was asked, as text. -#}
{% macro target_policy_field(name) -%}
    {{ json_value('offers_shown.decision_context', '$.target.' ~ name) }}
{%- endmacro %}
