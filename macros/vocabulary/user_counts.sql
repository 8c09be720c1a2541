{#-
Users who do not count, as `excluded_users` names them. Where it reads a table, that table may name others
at each build: what each completed build left out is kept, for the next to compare.
-#}

{#- Whether the user of an event counts: none of `excluded_users`; a SQL predicate over user_id. -#}
{% macro user_counts() -%}
    {%- if var('excluded_users') -%} (not coalesce(({{ var('excluded_users') }}), false))
    {%- else -%} true
    {%- endif -%}
{%- endmacro %}

{#- Whether `excluded_users` reads a table, or a file. -#}
{% macro exclusions_may_change() %}
    {{ return(modules.re.search('(?i)\\bfrom\\b', var('excluded_users') or '') is not none) }}
{% endmacro %}

{#-
The relation of users that the last completed build left out (`is_settled`), and of those that a
build since then took for counted otherwise.
-#}
{% macro exclusions_before() %}
    {{ return(landing_relation('built_exclusions')) }}
{% endmacro %}

{#-
The events that were there before this build of users who counted then and do not now, or the
other way round, as a query of user_id, session_id and event_time: all they are in is built again.
-#}
{% macro events_of_changed_exclusions(landed_events, before, last_built_file) -%}
    select
        user_id,
        session_id,
        event_time
    from {{ landed_events }}
    where
        not is_rejected
        and file_id <= {{ last_built_file }}
        {%- if before is not none %}
        and (
            {{ user_counts() }} and user_id in (select others.user_id from {{ before }} as others)
            or not {{ user_counts() }}
            and (
                user_id not in (select others.user_id from {{ before }} as others where others.is_settled)
                or user_id in (select others.user_id from {{ before }} as others where not others.is_settled)
            )
        )
        {%- endif %}
{%- endmacro %}

{#-
Notes who is taken for counted otherwise by this build. If it is cut off and the table is put right
again, the next builds them again all the same.
-#}
{% macro note_exclusions() %}
    {% if not offer_ai.is_executing() or not exclusions_may_change()
        or load_cached_relation(exclusions_before()) is none or last_built_file() is none %}{{ return('') }}{% endif %}
    {% do run_query('insert into ' ~ exclusions_before() ~ ' select distinct user_id, false as is_settled from ('
        ~ events_of_changed_exclusions(as_configured('landed_events'), exclusions_before(), last_built_file())
        ~ ') as others') %}
{% endmacro %}

{#- Keeps who did not count in a build that went through; nobody where that cannot change any more. -#}
{% macro keep_exclusions() %}
    {% if not exclusions_may_change() %}
        {% set before = load_relation(exclusions_before()) %}
        {% if before is not none %}{% do adapter.drop_relation(before) %}{% endif %}
        {{ return('') }}
    {% elif load_relation(as_configured('landed_events')) is none %}
        {{ return('') }}
    {% endif %}
    {% do run_query('drop table if exists ' ~ exclusions_before()) %}
    {% do run_query('create table ' ~ exclusions_before() ~ ' as select distinct user_id, true as is_settled from '
        ~ as_configured('landed_events') ~ ' where not is_rejected and not ' ~ user_counts()) %}
{% endmacro %}
