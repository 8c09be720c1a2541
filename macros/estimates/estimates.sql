{#- Off-policy estimates in SQL; learning/off_policy.py and learning/intervals.py do the same. -#}

{#-
Each estimator as sums over a user's decisions: a dict of name to [numerator, denominator,
decisions that take part]. The estimate is the sum of the first divided by that of the second.
Sources of the formulas: scripts/offer_ai/learning/off_policy.py.
-#}
{% macro estimators() %}
    {{ return({
        'logged': ['reward', 'decision_count', 'decision_count'],
        'dm': ['predicted_value', 'decision_count', 'decision_count'],
        'ips': ['weighted_reward', 'known', 'known'],
        'snips': ['weighted_reward', 'weight', 'known'],
        'dr': ['robust_value', 'known', 'known'],
        'difference': ['robust_gain', 'known', 'known'],
        'weight': ['weight', 'known', 'known'],
    }) }}
{% endmacro %}

{#- Text as a number, null where it is none or none that can be added up. -#}
{% macro to_finite(value) -%}
    case
        when abs({{ offer_ai.try_to('double', value) }}) < 1e300
            then {{ offer_ai.try_to('double', value) }}
    end
{%- endmacro %}

{#-
What an interval needs of `deviation`, a column of one row per user that adds up to zero: the aggregates <name>_m2, _m3 and _m4 (sums of its powers) and <name>_users (users with
`takes_part` above zero).
-#}
{% macro moments(name, deviation, takes_part) -%}
    sum({{ deviation }} * {{ deviation }}) as {{ name }}_m2,
        sum({{ deviation }} * {{ deviation }} * {{ deviation }}) as {{ name }}_m3,
        sum({{ deviation }} * {{ deviation }} * {{ deviation }} * {{ deviation }})
            as {{ name }}_m4,
        cast(count(case when {{ takes_part }} > 0 then 1 end) as double) as {{ name }}_users
{%- endmacro %}

{#-
The degrees of freedom of a variance over users, after Satterthwaite: 2 n / (kurtosis - 1),
at most n - 1. Null where nothing varies. Few, when a few users make all of the variance.
Source: O'Neill, Some Useful Moment Results in Sampling Problems (2014), result 15.
-#}
{% macro degrees_of_freedom(users, m2, m4) -%}
    case
        when {{ m2 }} > 0 then least(
            {{ users }} - 1,
            2 * {{ users }} / greatest({{ users }} * {{ m4 }} / ({{ m2 }} * {{ m2 }}) - 1, 1e-9)
        )
    end
{%- endmacro %}

{#-
The 97.5 % quantile of Student's t: an expansion about the normal one, right to 0.001 from 7
degrees of freedom on. Source: Abramowitz, Stegun (1964), 26.7.5.
-#}
{% macro t_quantile(df) -%}
    {%- set z = 1.959963984540054 -%}
    ({{ z }} + {{ (z ** 3 + z) / 4 }} / {{ df }}
    + {{ (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96 }} / power({{ df }}, 2)
    + {{ (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384 }} / power({{ df }}, 3))
{%- endmacro %}

{#-
Where a studentised estimate of skewness `g` (m3 / m2 ** 1.5) has the quantile `x` of its
symmetric form. Source: Hall, On the Removal of Skewness by Transformation (1992), equation 2.3.
-#}
{% macro unskewed(x, g) -%}
    case
        when abs({{ g }}) < 1e-4
            then ({{ x }}) - ({{ g }}) / 6 - ({{ g }}) * power(({{ x }}) - ({{ g }}) / 6, 2) / 3
        else 3 / ({{ g }}) * (cbrt(1 + ({{ g }}) * (({{ x }}) - ({{ g }}) / 6)) - 1)
    end
{%- endmacro %}

{#-
One end of the 95 % interval of <name>_value, given <name>_error (its standard error), <name>_t
(the quantile of Student's t) and <name>_skewness. `side` is 1 for the lower end and -1 for the
upper.
-#}
{% macro interval_end(name, side) -%}
    {{ name }}_value - {{ name }}_error * ({{ offer_ai.unskewed(side ~ ' * ' ~ name ~ '_t', name ~ '_skewness') }})
{%- endmacro %}

{#-
The value that chi-squared of `df` degrees of freedom exceeds once in 1,000 times.
Source: Wilson, Hilferty, The Distribution of Chi-Square (1931); 1 % too high at most from 2 on,
3 % at 1.
-#}
{% macro chi_squared_limit(df) -%}
    {{ df }} * power(1 - 2 / (9 * cast({{ df }} as double))
        + 3.090232306 * sqrt(2 / (9 * cast({{ df }} as double))), 3)
{%- endmacro %}
