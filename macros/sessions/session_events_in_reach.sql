{#-
The events of sessions as anchors may need them one by one, as a relation: all of
them or, in a delta, those of changed users from the start of the first session that
was going on when things began to change. The literal bound lets the engine read the
newest part of the table alone. Where one of `features` looks ahead, anchors from before that
are done again, too, and may need any; those of the latest features lie behind all events.
-#}
{% macro session_events_in_reach(features=[]) %}
    {% set session_events, sessions, changed_users, stg_events
        = ref('session_events'), ref('session_rollups'), ref('changed_users'), ref('stg_events') %}
    {% if not offer_ai.is_delta() %}
        {{ return(session_events) }}
    {% elif not offer_ai.has_session_ids() %}
        {{ return(
            '(select user_id, block_id as session_id, ' ~ offer_ai.measured_columns() | join(', ') ~ ', event_time'
            ~ ' from (' ~ offer_ai.events_in_sessions(offer_ai.changed_events()) ~ ') as blocks)') }}
    {% elif features | selectattr('config.meta.after', 'defined') | list %}
        {{ return(session_events) }}
    {% endif %}
    {% set first_start = run_query(
        'select cast(min(sessions.started_at) as ' ~ dbt.type_string() ~ ') from ' ~ sessions ~ ' as sessions'
        ~ ' inner join ' ~ changed_users ~ ' as changed_users'
        ~ ' on sessions.user_id = changed_users.user_id'
        ~ ' and sessions.ended_at >= cast(changed_users.changed_from as date)'
    ).columns[0].values()[0] %}
    {{ return('(select * from ' ~ session_events
        ~ ' where event_time >= ' ~ offer_ai.timestamp_literal(first_start)
        ~ ' and user_id in (select user_id from ' ~ changed_users ~ '))') }}
{% endmacro %}
