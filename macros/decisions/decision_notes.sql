{#-
What a service noted with the decisions of a point when it made them, field by field, one row per
decision; from `events`, a relation of stg_events' columns.
-#}
{% macro decision_notes(name, events) -%}
    {%- set point = offer_ai.decision_point(name) %}
    {%- set target = ['policy_version', 'propensity', 'predicted', 'value'] + point.action %}

    with

    told as (
        select
            {{ offer_ai.event_id_text() }} as {{ point.one }}_id,
            user_id,
            policy_version,
            propensity,
            {%- for column in point.action %}
            {{ column }},
            {%- endfor %}
            event_time,
            {{ offer_ai.json_struct('decision_context', {
                'arm': none, 'in_place': none, 'holdout_share': none, 'candidates': none, 'features': none,
                'fitted': {'first': none, 'last': none}, 'target': dict.fromkeys(target)}) }} as context
        from {{ events }}
        where event_type = {{ offer_ai.text_literal(point.event) }} and decision_context is not null
    )

    select
        {{ point.one }}_id,
        user_id,
        policy_version,
        context['in_place'] as policy_in_place,
        context['arm'] as arm,
        context['candidates'] as candidates,
        context['features'] as features,
        context['target']['policy_version'] as target_policy_version,
        {%- for column in point.action %}
        {{ column }},
        {{ offer_ai.try_to(offer_ai.column_type(point, column), "context['target']['" ~ column ~ "']") }} as target_{{ column }},
        {%- endfor %}
        propensity,
        {{ offer_ai.to_probability("context['holdout_share']") }} as holdout_share,
        {{ offer_ai.to_probability("context['target']['propensity']") }} as target_propensity,
        {{ offer_ai.to_finite("context['target']['predicted']") }} as target_predicted,
        {{ offer_ai.to_finite("context['target']['value']") }} as target_value,
        {{ offer_ai.try_to('date', "context['fitted']['first']") }} as policy_fitted_from,
        {{ offer_ai.try_to('date', "context['fitted']['last']") }} as policy_fitted_until,
        event_time
    from told
{%- endmacro %}
