{#-
A point-in-time join of anchors to what was known before them and to what came after:
yields one row per anchor, `anchor_id` and one column per feature.

- anchors: a relation, by name, of anchor_id, user_id, session_id (null when the
  anchor is in no session yet), anchored_at and the columns that `from_anchor` names
- features: entries as under `features` in dbt_project.yml
- session_events: a relation of the events of the sessions that may still have been
  going on at an anchor; all of them, if in doubt
- sessions: where the rows of windows over sessions are, of users with anchors alone, if
  not all are needed

A window [t - n, t) or [t, t + n) becomes the run of positions, among the user's
rows in order of time, that range frames over rows and anchors together find; the
rows at those positions are joined to the anchor, so that any aggregate will do and
an anchor with an empty window keeps its row. A window over `sessions` leaves out
the anchor's own and rolls up again those that were still going on, from their events
before t or, looking ahead, before the window's end.

Another project that has this one as a package calls it on anchors of its own.

Example: anchor_features('offer_anchors', var('features'), ref('session_events'))
-#}
{% macro anchor_features(anchors, features, session_events, sessions=none) -%}
{%- set histories = features | map(attribute='config.meta') | selectattr('as_of', 'defined')
    | map(attribute='as_of') | unique | list -%}
{%- set windows = offer_ai.feature_windows(features) -%}
    with

    anchors as (
        select
            *,
            {{ offer_ai.microseconds('anchored_at') }} as anchor_us
        from {{ anchors }}
    )
    {%- for source in windows | map(attribute='over') | unique(case_sensitive=true) %}
    {%- set source_windows = windows | selectattr('over', 'equalto', source) | list %}
    {%- set word = offer_ai.as_word(source) %}
    {%- set given = sessions if source == 'sessions' %},

    {{ word }}_placed as (
        {{ offer_ai.placed_rows(
            source, given or offer_ai.window_relation(source), none if given else 'anchors',
            source_windows | selectattr('unit', 'equalto', 'count') | list) }}
    ),

    {{ word }}_bounds as (
        {{ offer_ai.window_bounds(source_windows, 'anchors', word ~ '_placed') }}
    )
    {%- for window in source_windows %},

    {{ window.name }}_rows as (
        {{ offer_ai.rows_in_window(window, word ~ '_bounds', word ~ '_placed', session_events) }}
    ),

    {{ window.name }} as (
        select
            anchor_id,
            {%- for feature in window.features %}
            {{ feature.config.meta.aggregate }} as {{ feature.name }}
            {{- ',' if not loop.last }}
            {%- endfor %}
        from {{ window.name }}_rows
        group by anchor_id
    )
    {%- endfor %}
    {%- endfor %}

    select
        anchors.anchor_id,
        {%- for feature in features %}
        {%- set meta = feature.config.meta %}
        {%- if meta.from_anchor is defined %}
        cast(anchors.{{ offer_ai.anchor_column(feature) }} as {{ feature.data_type }})
            as {{ feature.name }}
        {%- elif meta.as_of is defined %}
        cast({{ meta.as_of }}.{{ meta.value }} as {{ feature.data_type }})
            as {{ feature.name }}
        {%- else %}
        {%- set value = offer_ai.window_name(meta) ~ '.' ~ feature.name %}
        cast(
            {%- if meta.if_none is defined %} coalesce({{ value }}, {{ meta.if_none }})
            {%- else %} {{ value }}
            {%- endif %} as {{ feature.data_type }}
        ) as {{ feature.name }}
        {%- endif %}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from anchors
    {%- for history in histories %}
    left join {{ ref(history) }} as {{ history }}
        on
            anchors.user_id = {{ history }}.user_id
            and anchors.anchored_at >= {{ history }}.valid_from
            and anchors.anchored_at
            < coalesce({{ history }}.valid_to, cast('9999-12-31' as timestamp))
    {%- endfor %}
    {%- for window in windows %}
    left join {{ window.name }} on anchors.anchor_id = {{ window.name }}.anchor_id
    {%- endfor %}
{%- endmacro %}

{#-
The distinct windows of features, in order: dicts of name, over, side (before or
after), unit (count, hour or day), size and the features that share the window.
-#}
{% macro feature_windows(features) %}
    {% set windows = {} %}
    {% for feature in features if feature.config.meta.over is defined %}
        {% set meta = feature.config.meta %}
        {% set name = offer_ai.window_name(meta) %}
        {% if name not in windows %}
            {% set side = 'before' if meta.before is defined else 'after' %}
            {% set unit, size = (meta[side].items() | list)[0] %}
            {% do windows.update({name: {
                'name': name, 'over': meta.over, 'side': side,
                'unit': unit, 'size': size, 'features': [],
            }}) %}
        {% endif %}
        {% do windows[name].features.append(feature) %}
    {% endfor %}
    {{ return(windows.values() | list) }}
{% endmacro %}

{#- A name for a window declaration, such as `sessions_before_1_count`. -#}
{% macro window_name(meta) -%}
    {%- set side = 'before' if meta.before is defined else 'after' -%}
    {%- set window = (meta[side] or {}).items() | list -%}
    {%- if window | length != 1 or window[0][0] not in ['count', 'hour', 'day'] -%}
        {{ exceptions.raise_compiler_error(
            "dbt_project.yml, features: a feature over '" ~ meta.over ~ "' needs "
            ~ "`before` or `after` as one of {count: n}, {hour: n}, {day: n}") }}
    {%- endif -%}
    {{ return(offer_ai.as_word(meta.over) ~ '_' ~ side ~ '_' ~ window[0][1] ~ '_' ~ window[0][0]) }}
{%- endmacro %}

{#- What a window is over, as part of an identifier: of two names never the same. -#}
{% macro as_word(over) -%}
    {%- if modules.re.fullmatch('[a-z_][a-z0-9_]*', over) -%}{{ return(over) }}{%- endif -%}
    {{ return('of_' ~ modules.re.sub('[^A-Za-z0-9_]', '_', over) ~ '_' ~ local_md5(over)[:6]) }}
{%- endmacro %}

{#- The relation that a window is declared over: sessions, the events of a known type, or a model. -#}
{% macro window_relation(over) -%}
    {%- if offer_ai.is_event_type(over) -%}
        {{ return('(select * from ' ~ ref('offer_ai', 'stg_events') ~ ' where event_type = '
            ~ offer_ai.text_literal(over) ~ ')') }}
    {%- endif -%}
    {{ return(ref('offer_ai', 'session_rollups') if over == 'sessions' else ref(over)) }}
{%- endmacro %}

{#- Whether a window is over the events of a known type. -#}
{% macro is_event_type(over) %}
    {#- A model of a project that has this one as a package may not see what is declared. -#}
    {{ return(over in (offer_ai.known_event_types() if model.package_name == 'offer_ai'
        else var('event_types', []) or [])) }}
{% endmacro %}

{#-
The rows of a window's relation, of users with anchors (none: of all), with `_position` (per
user, by time) and `_us`. Where a window counts them, rows of one time and session have an order too:
any, but the same in every build.
-#}
{% macro placed_rows(source, relation, anchors, is_counted) -%}
        select
            *,
            {%- if source == 'sessions' %}
            session_index as _position,
            {{ offer_ai.microseconds('started_at') }} as _us
            {%- else %}
            row_number() over (
                partition by user_id order by event_time, coalesce(session_id, '')
                {%- if is_counted %},
                {#- Where events lie says in which file they came, which is not the same in every build. #}
                {{ offer_ai.event_id_text() if model.package_name == 'offer_ai'
                    and (offer_ai.is_event_type(source) or source == 'stg_events')
                    else offer_ai.row_fingerprint('placed') }}
                {%- endif %}
            ) as _position,
            {{ offer_ai.microseconds('event_time') }} as _us
            {%- endif %}
        from {{ relation }} as placed
        {%- if anchors %}
        where user_id in (select user_id from {{ anchors }})
        {%- endif %}
{%- endmacro %}

{#-
First and last position, among placed rows, of each window at each anchor: columns
`<window>_first` and `<window>_last`, null when the window is empty.
-#}
{% macro window_bounds(windows, anchors, placed) -%}
        select *
        from (
            select
                anchor_id,
                user_id,
                session_id,
                anchored_at,
                {%- for window in windows %}
                {{ offer_ai.window_edge(window, 'first') }} as {{ window.name }}_first,
                {{ offer_ai.window_edge(window, 'last') }} as {{ window.name }}_last
                {{- ',' if not loop.last }}
                {%- endfor %}
            from (
                select anchor_id, user_id, session_id, anchored_at, anchor_us as _us, null as _position
                from {{ anchors }}
                union all
                select null, user_id, null, null, _us, _position
                from {{ placed }}
            ) as timeline
        ) as bounded
        where anchor_id is not null
{%- endmacro %}

{#- One end of a window as a SQL expression over the timeline. -#}
{% macro window_edge(window, edge) -%}
    {%- if window.unit == 'count' -%}
        {#- One more than asked for: the anchor's own session may be among them. -#}
        {%- set reach = window.size - (0 if window.over == 'sessions' else 1) -%}
        {%- if window.side == 'before' -%}
            max(_position) over (
                    partition by user_id order by _us
                    range between unbounded preceding and 1 preceding
                ){{ ' - ' ~ reach if edge == 'first' }}
        {%- else -%}
            min(_position) over (
                    partition by user_id order by _us
                    range between current row and unbounded following
                ){{ ' + ' ~ reach if edge == 'last' }}
        {%- endif -%}
    {%- else -%}
        {%- set span = offer_ai.unit_microseconds(window.unit, window.size) -%}
        {{ 'min' if edge == 'first' else 'max' }}(_position) over (
                    partition by user_id order by _us
                    {% if window.side == 'before' -%}
                    range between {{ span }} preceding and 1 preceding
                    {%- else -%}
                    range between current row and {{ span - 1 }} following
                    {%- endif %}
                )
    {%- endif -%}
{%- endmacro %}

{#- The rows of a window, one per (anchor, row), as the anchor may see them. -#}
{% macro rows_in_window(window, bounds, placed, session_events) -%}
    {%- set first = 'bounds.' ~ window.name ~ '_first' -%}
    {%- set last = 'bounds.' ~ window.name ~ '_last' -%}
    {%- if window.over != 'sessions' %}
        select
            bounds.anchor_id,
            placed.*
        from {{ bounds }} as bounds
        inner join {{ placed }} as placed
            on
                bounds.user_id = placed.user_id
                and placed._position between {{ first }} and {{ last }}
    {%- else %}
        {%- set seen_until = 'anchored_at' if window.side == 'before'
            else offer_ai.label_matures_at('anchored_at', window.features) if window.unit != 'count' %}
        with

        other_sessions as (
            select
                bounds.anchor_id,
                bounds.anchored_at,
                placed.*,
                row_number() over (
                    partition by bounds.anchor_id
                    order by placed._position{{ ' desc' if window.side == 'before' }}
                ) as _distance
            from {{ bounds }} as bounds
            inner join {{ placed }} as placed
                on
                    bounds.user_id = placed.user_id
                    and placed._position between {{ first }} and {{ last }}
                    and placed.session_id is distinct from bounds.session_id
        ),

        near_sessions as (
            select * from other_sessions
            {%- if window.unit == 'count' %}
            where _distance <= {{ window.size }}
            {%- endif %}
        )

        select
            anchor_id,
            user_id,
            session_id,
            {{ offer_ai.block_measures().keys() | join(',\n            ') }}
        from near_sessions
        {%- if seen_until %}
        where ended_at < {{ seen_until }}
        union all
        {#- Of the whole session nothing but its name: a measure may be called as a column that it reads. #}
        select
            going.anchor_id,
            session_events.user_id,
            session_events.session_id,
            {{ offer_ai.block_measures_of_events() }}
        from (
            select
                anchor_id,
                user_id as going_user_id,
                session_id as going_session_id,
                {{ seen_until }} as seen_until
            from near_sessions
            where ended_at >= {{ seen_until }}
        ) as going
        inner join {{ session_events }} as session_events
            on
                going.going_user_id = session_events.user_id
                and going.going_session_id = session_events.session_id
                and going.seen_until > session_events.event_time
        group by
            going.anchor_id,
            session_events.user_id,
            session_events.session_id
        {%- endif %}
    {%- endif %}
{%- endmacro %}
