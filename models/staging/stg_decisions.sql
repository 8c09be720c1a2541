{{ config(
    enabled=is_declared('offers'), pre_hook="{{ delete_stale_rows('event_time >= changed_from') }}") }}
{%- set point = decision_point('offers') %}
{%- set target = ['policy_version', 'propensity', 'predicted', 'value'] + point.action %}

with

told as (
    select
        {{ event_id_text() }} as {{ point.one }}_id,
        user_id,
        policy_version,
        propensity,
        {%- for column in point.action %}
        {{ column }},
        {%- endfor %}
        event_time,
        {{ json_struct('decision_context', {
            'arm': none, 'in_place': none, 'holdout_share': none, 'candidates': none,
            'fitted': {'first': none, 'last': none}, 'target': dict.fromkeys(target)}) }} as context
    from {{ changed_events() }}
    where event_type = {{ text_literal(point.event) }} and decision_context is not null
)

select
    {{ point.one }}_id,
    user_id,
    policy_version,
    context['in_place'] as policy_in_place,
    context['arm'] as arm,
    context['candidates'] as candidates,
    context['target']['policy_version'] as target_policy_version,
    {%- for column in point.action %}
    {{ column }},
    {{ try_to(column_type(point, column), "context['target']['" ~ column ~ "']") }} as target_{{ column }},
    {%- endfor %}
    propensity,
    {{ to_probability("context['holdout_share']") }} as holdout_share,
    {{ to_probability("context['target']['propensity']") }} as target_propensity,
    {{ to_finite("context['target']['predicted']") }} as target_predicted,
    {{ to_finite("context['target']['value']") }} as target_value,
    {{ try_to('date', "context['fitted']['first']") }} as policy_fitted_from,
    {{ try_to('date', "context['fitted']['last']") }} as policy_fitted_until,
    event_time
from told
