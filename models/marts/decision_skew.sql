{{ config(enabled=is_declared('offers')) }}
{%- set features = decision_point('offers').features -%}
with

-- Text that is no JSON would stop the query, and a filter need not come first.
told as (
    select
        offer_id,
        decision_id,
        policy_version,
        case when {{ is_json_object('decision_context') }} then decision_context end
            as decision_context
    from {{ ref('stg_offers_shown') }}
    where decision_context is not null
),

-- Read once, as text: the time that it is takes the text a dozen times.
used as (
    select
        offer_id,
        decision_id,
        policy_version,
        decision_context,
        {{ json_value('decision_context', '$.features_landed_at') }} as landed_text
    from told
),

decisions as (
    select
        training_offers.offer_id,
        training_offers.user_id,
        {%- for feature in features %}
        training_offers.{{ feature.name }},
        {%- endfor %}
        training_offers.offered_at,
        used.decision_id,
        used.policy_version,
        used.decision_context,
        {{ to_utc_timestamp('used.landed_text') }} as features_landed_at
    from {{ ref('training_offers') }} as training_offers
    inner join used on training_offers.offer_id = used.offer_id
    where used.landed_text is not null
),

compared as (
    {%- for feature in features %}
    {%- set used = json_value('decision_context', '$.features.' ~ feature.name) %}
    {%- set typed = try_to(feature.data_type, used) %}
    select
        offer_id,
        decision_id,
        user_id,
        policy_version,
        '{{ feature.name }}' as feature,
        {{ used }} as used_value,
        cast({{ feature.name }} as {{ dbt.type_string() }}) as recomputed_value,
        coalesce(
            {{ typed }} = {{ feature.name }},
            {{ typed }} is null and {{ feature.name }} is null
        ) as is_equal,
        features_landed_at,
        offered_at
    from decisions
    where features_landed_at is not null
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

differing as (
    select distinct
        offer_id,
        decision_id,
        user_id,
        features_landed_at,
        offered_at
    from compared
    where not is_equal
),

-- Decisions before which something had happened that was not yet in their features.
late_news as (
    select distinct differing.offer_id
    from differing
    inner join {{ ref('stg_events') }} as events
        on
            differing.user_id = events.user_id
            and differing.offered_at >= events.event_time
            and differing.decision_id is distinct from events.decision_id
    inner join {{ ref('landed_files') }} as landed_files
        on
            events.file_id = landed_files.file_id
            and differing.features_landed_at < landed_files.landed_at
)

select
    compared.offer_id,
    compared.decision_id,
    compared.user_id,
    compared.policy_version,
    compared.feature,
    compared.used_value,
    compared.recomputed_value,
    compared.is_equal,
    not compared.is_equal and late_news.offer_id is not null as is_late_news,
    compared.features_landed_at,
    compared.offered_at
from compared
left join late_news on compared.offer_id = late_news.offer_id
