{#-
The relations of a decision point, as queries. A model of each is a line: the shipped ones are
those of `offers`; scripts/decision_points.py writes those of others. With `one: cart_view` they
are called cart_view_anchors, cart_view_features, cart_view_labels and, of the point `carts`,
training_carts.
-#}

{#- The columns that each of a point's rows takes from its event, as names. -#}
{% macro decision_columns(point) %}
    {{ return(point.columns | map(attribute='name') | list) }}
{% endmacro %}

{#-
The events of a decision point, to be stored: the id, the declared columns, those under `also` and
what a service notes with a decision.
-#}
{% macro decision_events(name) -%}
    {%- set point = offer_ai.decision_point(name) -%}
    {%- set notes = ['decision_id', 'policy_version', 'propensity', 'decision_context'] -%}
    select
        {{ offer_ai.event_id_text() }} as {{ point.one }}_id,
        user_id,
        session_id,
        {%- set columns = (offer_ai.decision_columns(point) + point.also + notes) | unique | list %}
        {%- for column in columns + offer_ai.anchor_columns(point.features, columns) %}
        {{ column }},
        {%- endfor %}
        event_time
    from {{ offer_ai.changed_events() }}
    where event_type = {{ offer_ai.text_literal(point.event) }}
{%- endmacro %}

{#-
The anchors of a decision point: one row per event of it, or at most so many of a user and day.
`events` is a relation of `decision_events`, where that is stored.
-#}
{% macro decision_anchors(name, events=none) -%}
    {%- set point = offer_ai.decision_point(name) -%}
    {%- set cap = point.at_most_per_user_day | int -%}
    {%- set columns = offer_ai.decision_columns(point) -%}
    {%- set columns = columns + offer_ai.anchor_columns(point.features, columns) -%}
    {%- set stg_events = ref('offer_ai', 'stg_events') -%}
    {%- set is_stored = events is not none and offer_ai.has_session_ids() -%}
    with

    events as (
        {%- if is_stored %}
        select
            *,
            {{ point.one }}_id as anchor_id,
            session_id as block_id
        from {{ events }}
        {%- else %}
        select
            *,
            {{ offer_ai.event_id_text() }} as anchor_id
        from (
            {#- An event outside sessions is an anchor all the same. #}
            {{ offer_ai.events_in_sessions(stg_events, with_others=true) }}
        ) as blocks
        where event_type = {{ offer_ai.text_literal(point.event) }}
        {%- endif %}
    )
    {%- if cap > 0 %},

    -- The hash makes the choice arbitrary, and the same in every build.
    placed as (
        select
            *,
            row_number() over (
                partition by user_id, cast(event_time as date) order by md5(anchor_id)
            ) as place_in_day
        from events
    )
    {%- endif %}

    select
        anchor_id,
        user_id,
        block_id as session_id,
        {%- for column in columns %}
        {{ column }},
        {%- endfor %}
        session_id as client_session_id,
        event_time as anchored_at
    from {{ 'placed' if cap > 0 else 'events' }}
    {%- if cap > 0 %}
    where place_in_day <= {{ cap }}
    {%- endif %}
{%- endmacro %}

{#- The features of a decision point, one row per anchor, as they were known before it. -#}
{% macro decision_features(name) -%}
    {%- set point = offer_ai.decision_point(name) -%}
    with

    anchors_to_do as (
        {{ offer_ai.changed_anchors(
            ref(point.one ~ '_anchors'),
            offer_ai.features_are_changed('anchors.anchored_at', 'changed_users.changed_from', point.features)) }}
    ),

    {%- if point.features %}

    features as (
        {{ offer_ai.anchor_features('anchors_to_do', point.features, offer_ai.session_events_in_reach(point.features)) }}
    ),
    {%- endif %}

    sessions as (
        select * from {{ ref('offer_ai', 'session_rollups') }}
    )

    select
        anchors_to_do.anchor_id as {{ point.one }}_id,
        anchors_to_do.user_id,
        anchors_to_do.session_id,
        sessions.session_index,
        {%- for column in offer_ai.decision_columns(point) %}
        anchors_to_do.{{ column }},
        {%- endfor %}
        {%- for feature in point.features %}
        features.{{ feature.name }},
        {%- endfor %}
        anchors_to_do.anchored_at as {{ point.time }}
    from anchors_to_do
    {%- if point.features %}
    inner join features on anchors_to_do.anchor_id = features.anchor_id
    {%- endif %}
    left join sessions
        on
            anchors_to_do.user_id = sessions.user_id
            and anchors_to_do.session_id = sessions.session_id
{%- endmacro %}

{#- The labels of a decision point, one row per anchor, and when they are mature. -#}
{% macro decision_labels(name) -%}
    {%- set point = offer_ai.decision_point(name) -%}
    with

    anchors_to_do as (
        {{ offer_ai.changed_anchors(
            ref(point.one ~ '_anchors'),
            offer_ai.labels_are_changed('anchors.anchored_at', 'changed_users.changed_from', point.labels)) }}
    )
    {%- if point.labels %},

    labels as (
        {{ offer_ai.anchor_features('anchors_to_do', point.labels, ref('offer_ai', 'session_events')) }}
    )
    {%- endif %}

    select
        anchors_to_do.anchor_id as {{ point.one }}_id,
        anchors_to_do.user_id,
        {%- for label in point.labels %}
        labels.{{ label.name }},
        {%- endfor %}
        anchors_to_do.anchored_at as {{ point.time }},
        {{ offer_ai.label_matures_at('anchors_to_do.anchored_at', point.labels) }} as label_matures_at
    from anchors_to_do
    {%- if point.labels %}
    inner join labels on anchors_to_do.anchor_id = labels.anchor_id
    {%- endif %}
{%- endmacro %}

{#- Pre-hooks of both: take out the rows that a delta inserts again. -#}
{% macro delete_stale_features(name) %}
    {% set point = offer_ai.decision_point(name) %}
    {{ return(offer_ai.delete_stale_rows(offer_ai.features_are_changed(
        point.time, 'changed_from', point.features))) }}
{% endmacro %}

{#- See delete_stale_features. -#}
{% macro delete_stale_labels(name) %}
    {% set point = offer_ai.decision_point(name) %}
    {{ return(offer_ai.delete_stale_rows(offer_ai.labels_are_changed(
        point.time, 'changed_from', point.labels))) }}
{% endmacro %}

{#-
The training table of a decision point. What moves with the watermark is computed when it is
read: a build has nothing to correct in the rows of users it has no news of.
-#}
{% macro training_table(name) -%}
    {%- set point = offer_ai.decision_point(name) -%}
    with

    features as (
        select * from {{ ref(point.one ~ '_features') }}
    ),

    labels as (
        select * from {{ ref(point.one ~ '_labels') }}
    ),

    watermark as (
        select * from {{ ref('offer_ai', 'watermark') }}
    )

    select
        features.{{ point.one }}_id,
        features.user_id,
        features.session_id,
        features.session_index,
        {%- for column in offer_ai.decision_columns(point) %}
        features.{{ column }},
        {%- endfor %}
        {%- for feature in point.features %}
        features.{{ feature.name }},
        {%- endfor %}
        features.{{ point.time }},
        {%- for label in point.labels %}
        labels.{{ label.name }},
        {%- endfor %}
        labels.label_matures_at,
        coalesce(labels.label_matures_at <= watermark.watermark_at, false) as is_label_mature
    from features
    inner join labels on features.{{ point.one }}_id = labels.{{ point.one }}_id
    cross join watermark
{%- endmacro %}

{#- The reward of a decision point as SQL over a relation with its labels; null where it declares none. -#}
{% macro reward(name, labels) -%}
    {%- set reward = offer_ai.decision_point(name).reward -%}
    {{ labels ~ '.' ~ reward if reward else 'cast(null as double)' }}
{%- endmacro %}
