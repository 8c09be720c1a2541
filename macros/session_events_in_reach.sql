{#-
The events of sessions as anchors may need them one by one, as a relation: all of
them or, in a delta, those of changed users that can be in a session which was going
on at an anchor that is computed again. The literal bound lets the engine read the
newest part of the table alone.
-#}
{% macro session_events_in_reach() %}
    {% set session_events, sessions, changed_users, stg_events
        = ref('session_events'), ref('sessions'), ref('changed_users'), ref('stg_events') %}
    {% if not is_delta() %}
        {{ return(session_events) }}
    {% elif not has_session_ids() %}
        {{ return(
            '(select user_id, block_id as session_id, event_type, txn_amount, won, event_time'
            ~ ' from (' ~ events_in_sessions(changed_events()) ~ ') as blocks)') }}
    {% endif %}
    {% set reach = run_query(
        'select min(' ~ microseconds('changed_from') ~ ') - ' ~ label_span() ~ ' - 86400000000'
        ~ ' - coalesce((select max(' ~ microseconds('ended_at') ~ ' - '
        ~ microseconds('started_at') ~ ') from ' ~ sessions
        ~ ' where user_id in (select user_id from ' ~ changed_users ~ ')), 0)'
        ~ ' from ' ~ changed_users).columns[0].values()[0] %}
    {{ return('(select * from ' ~ session_events ~ ' where event_time >= '
        ~ from_microseconds(reach if reach is not none else 253402300799000000) ~ ')') }}
{% endmacro %}
