{{ config(pre_hook="{{ delete_stale_rows('event_time >= changed_from') }}") }}
{%- set target = ['policy_version', 'offer_type', 'offer_price', 'propensity', 'predicted', 'value'] %}

with

told as (
    select
        {{ event_id_text() }} as offer_id,
        user_id,
        policy_version,
        propensity,
        offer_type,
        offer_price,
        event_time,
        {{ json_struct('decision_context', {
            'arm': none, 'in_place': none, 'holdout_share': none, 'candidates': none,
            'fitted': {'first': none, 'last': none}, 'target': dict.fromkeys(target)}) }} as context
    from {{ changed_events() }}
    where event_type = 'offer_shown' and decision_context is not null
)

select
    offer_id,
    user_id,
    policy_version,
    context['in_place'] as policy_in_place,
    context['arm'] as arm,
    context['candidates'] as candidates,
    offer_type,
    context['target']['policy_version'] as target_policy_version,
    context['target']['offer_type'] as target_offer_type,
    offer_price,
    {{ try_to(money_type(), "context['target']['offer_price']") }} as target_offer_price,
    propensity,
    {{ to_probability("context['holdout_share']") }} as holdout_share,
    {{ to_probability("context['target']['propensity']") }} as target_propensity,
    {{ to_finite("context['target']['predicted']") }} as target_predicted,
    {{ to_finite("context['target']['value']") }} as target_value,
    {{ try_to('date', "context['fitted']['first']") }} as policy_fitted_from,
    {{ try_to('date', "context['fitted']['last']") }} as policy_fitted_until,
    event_time
from told
