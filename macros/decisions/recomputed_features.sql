{#-
Features or labels of anchors once more, naively and apart from `anchor_features`: each window is
a join of the anchors to rows by what its words say, none is a run of positions. Yields anchor_id
and each entry by its name, and `is_told_<name>`, false where rows that are equal in order lie on
the edge of a window that counts them: either may be the one.

- anchors: name of a relation of anchor_id, user_id, session_id, anchored_at; a sample
- entries: as under `features` or `labels`; those over rows or histories
-#}
{% macro recomputed_features(anchors, entries) -%}
    {%- set windows = offer_ai.feature_windows(entries) -%}
    {%- set has_sessions = 'sessions' in windows | map(attribute='over') -%}
    with

    {%- if has_sessions %}

    own_events as (
        select * from {{ ref('offer_ai', 'session_events') }}
        where user_id in (select user_id from {{ anchors }})
    ),
    {%- endif %}
    {%- for source in windows | map(attribute='over') | unique(case_sensitive=true) if source != 'sessions' %}

    {{ offer_ai.as_word(source) }}_own as (
        select * from {{ offer_ai.window_relation(source) }} as rows_of_users
        where user_id in (select user_id from {{ anchors }})
    ),
    {%- endfor %}
    {%- for window in windows %}

    {{ window.name }}_seen as (
        {{ offer_ai.rows_seen(window, anchors) }}
    ),

    {{ window.name }} as (
        select
            anchor_id,
            {%- for feature in window.features %}
            {{ feature.config.meta.aggregate }} as {{ feature.name }},
            {%- endfor %}
            {{ 'count(*) <= ' ~ window.size if window.unit == 'count' else 'true' }} as is_told
        from {{ window.name }}_seen
        group by anchor_id
    ),
    {%- endfor %}
    {%- for feature in entries if feature.config.meta.as_of is defined %}
    {%- set meta = feature.config.meta %}

    {{ feature.name }}_known as (
        select
            anchors.anchor_id,
            history.{{ meta.value }} as known,
            row_number() over (partition by anchors.anchor_id order by history.valid_from desc) as age
        from {{ anchors }} as anchors
        inner join {{ ref(meta.as_of) }} as history
            on anchors.user_id = history.user_id and anchors.anchored_at >= history.valid_from
    ),
    {%- endfor %}

    sampled as (
        select anchor_id from {{ anchors }}
    )

    select
        {%- for feature in entries %}
        {%- set meta = feature.config.meta %}
        {%- if meta.as_of is defined %}
        cast({{ feature.name }}_known.known as {{ feature.data_type }}) as {{ feature.name }},
        true as is_told_{{ feature.name }},
        {%- elif meta.over is defined %}
        {%- set window = offer_ai.window_name(meta) %}
        {%- set value = window ~ '.' ~ feature.name %}
        cast({{ 'coalesce(' ~ value ~ ', ' ~ meta.if_none ~ ')' if meta.if_none is defined else value }}
            as {{ feature.data_type }}) as {{ feature.name }},
        coalesce({{ window }}.is_told, true) as is_told_{{ feature.name }},
        {%- endif %}
        {%- endfor %}
        sampled.anchor_id
    from sampled
    {%- for window in windows %}
    left join {{ window.name }} on sampled.anchor_id = {{ window.name }}.anchor_id
    {%- endfor %}
    {%- for feature in entries if feature.config.meta.as_of is defined %}
    left join {{ feature.name }}_known
        on sampled.anchor_id = {{ feature.name }}_known.anchor_id and {{ feature.name }}_known.age = 1
    {%- endfor %}
{%- endmacro %}

{#-
The rows of a window at each anchor of a sample: those of `<over>_own` that lie in it or, over
sessions, other sessions as far as their events before the anchor or, ahead, before the window's end.
-#}
{% macro rows_seen(window, anchors) -%}
    {%- set is_back = window.side == 'before' -%}
    {%- set at, t = offer_ai.microseconds('placed.placed_at'), offer_ai.microseconds('placed.anchored_at') -%}
        select *
        from (
            select
                placed.*,
                rank() over (
                    partition by anchor_id
                    order by placed_at{{ ' desc' if is_back }}, coalesce(session_id, ''){{ ' desc' if is_back }}
                ) as nearness
            from (
                {%- if window.over == 'sessions' %}
                select
                    anchor_id,
                    anchored_at,
                    user_id,
                    session_id,
                    started_at as placed_at,
                    {{ offer_ai.block_measures().keys() | join(',\n                    ') }}
                from (
                    select
                        anchors.anchor_id,
                        anchors.anchored_at,
                        events.user_id,
                        events.session_id,
                        {{ offer_ai.block_measures_of_events() }}
                    from (
                        select anchor_id, anchored_at, user_id as own_user_id, session_id as own_session_id
                        from {{ anchors }}
                    ) as anchors
                    inner join own_events as events
                        on
                            anchors.own_user_id = events.user_id
                            and events.session_id is distinct from anchors.own_session_id
                            {%- if is_back %}
                            and anchors.anchored_at > events.event_time
                            {%- elif window.unit != 'count' %}
                            and {{ offer_ai.microseconds('events.event_time') }}
                            < {{ offer_ai.microseconds('anchors.anchored_at') }} + {{ offer_ai.unit_microseconds(window.unit, window.size) }}
                            {%- endif %}
                    group by anchors.anchor_id, anchors.anchored_at, events.user_id, events.session_id
                ) as seen_sessions
                {%- else %}
                select
                    anchors.anchor_id,
                    anchors.anchored_at,
                    rows_of_user.*,
                    rows_of_user.event_time as placed_at
                from {{ anchors }} as anchors
                inner join {{ offer_ai.as_word(window.over) }}_own as rows_of_user
                    on anchors.user_id = rows_of_user.user_id
                {%- endif %}
            ) as placed
            where
                {{ at }} {{ '<' if is_back else '>=' }} {{ t }}
                {%- if window.unit != 'count' %}
                {%- set span = offer_ai.unit_microseconds(window.unit, window.size) %}
                and {{ at ~ ' >= ' ~ t ~ ' - ' ~ span if is_back else at ~ ' < ' ~ t ~ ' + ' ~ span }}
                {%- endif %}
        ) as near
        {%- if window.unit == 'count' %}
        where nearness <= {{ window.size }}
        {%- endif %}
{%- endmacro %}

{#- SQL for whether two values of a declared type are the same; floats to nine digits. -#}
{% macro is_same(one, other, data_type) -%}
    {%- if data_type.lower() in ('double', 'float', 'real') -%}
    coalesce(
            abs({{ one }} - {{ other }}) <= 1e-9 * greatest(1, abs({{ one }})),
            {{ one }} is null and {{ other }} is null
        )
    {%- else -%}
    {{ one }} is not distinct from {{ other }}
    {%- endif -%}
{%- endmacro %}
