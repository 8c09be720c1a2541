{#-
The features that decisions used beside those that training sees for them now, one row per
decision and feature. `events` is a relation of `decision_events`, where that is stored.
-#}
{% macro decision_skew(name, events=none) -%}
    {%- set point = offer_ai.decision_point(name) -%}
    with

    -- Text that is no JSON would stop the query, and a filter need not come first.
    told as (
        select
            {{ point.one ~ '_id' if events else offer_ai.event_id_text() ~ ' as ' ~ point.one ~ '_id' }},
            decision_id,
            policy_version,
            case when {{ offer_ai.is_json_object('decision_context') }} then decision_context end
                as decision_context
        from {{ events or ref('offer_ai', 'stg_events') }}
        where
            decision_context is not null
            {%- if not events %}
            and event_type = {{ offer_ai.text_literal(point.event) }}
            {%- endif %}
    ),

    -- Read once, as text: the time that it is takes the text a dozen times.
    used as (
        select
            {{ point.one }}_id,
            decision_id,
            policy_version,
            decision_context,
            {{ offer_ai.json_value('decision_context', '$.features_landed_at') }} as landed_text
        from told
    ),

    decisions as (
        select
            training.{{ point.one }}_id,
            training.user_id,
            {%- for feature in point.features %}
            training.{{ feature.name }},
            {%- endfor %}
            training.{{ point.time }},
            used.decision_id,
            used.policy_version,
            used.decision_context,
            {{ offer_ai.to_utc_timestamp('used.landed_text') }} as features_landed_at
        from {{ ref('training_' ~ name) }} as training
        inner join used on training.{{ point.one }}_id = used.{{ point.one }}_id
        where used.landed_text is not null
    ),

    compared as (
        {%- for feature in point.features %}
        {%- set used = offer_ai.json_value('decision_context', '$.features.' ~ feature.name) %}
        {%- set typed = offer_ai.try_to(feature.data_type, used) %}
        select
            {{ point.one }}_id,
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
            {{ point.time }}
        from decisions
        where features_landed_at is not null
        {%- if not loop.last %}
        union all
        {%- endif %}
        {%- else %}
        select
            *,
            '' as feature,
            '' as used_value,
            '' as recomputed_value,
            true as is_equal
        from decisions
        where false
        {%- endfor %}
    ),

    differing as (
        select distinct
            {{ point.one }}_id,
            decision_id,
            user_id,
            features_landed_at,
            {{ point.time }}
        from compared
        where not is_equal
    ),

    -- Decisions before which something had happened that was not yet in their features.
    late_news as (
        select distinct differing.{{ point.one }}_id
        from differing
        inner join {{ ref('offer_ai', 'stg_events') }} as events
            on
                differing.user_id = events.user_id
                and differing.{{ point.time }} >= events.event_time
                and differing.decision_id is distinct from events.decision_id
        inner join {{ ref('offer_ai', 'landed_files') }} as landed_files
            on
                events.file_id = landed_files.file_id
                and differing.features_landed_at < landed_files.landed_at
    )

    select
        compared.{{ point.one }}_id,
        compared.decision_id,
        compared.user_id,
        compared.policy_version,
        compared.feature,
        compared.used_value,
        compared.recomputed_value,
        compared.is_equal,
        not compared.is_equal and late_news.{{ point.one }}_id is not null as is_late_news,
        compared.features_landed_at,
        compared.{{ point.time }}
    from compared
    left join late_news on compared.{{ point.one }}_id = late_news.{{ point.one }}_id
{%- endmacro %}
