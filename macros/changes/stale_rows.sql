{#- Taking out what a delta inserts again, and the events it inserts it from. -#}

{#-
A pre-hook that deletes the rows a model will insert again, in the transaction that
inserts them; a table that is made anew has none.

- where: SQL predicate over the table alone; every row by default. Truncating beats dbt's
  create-and-swap.
-#}
{% macro delete_first(where='true') %}
    {{ return(offer_ai.delete_rows(this, where) if is_incremental() else 'select 1') }}
{% endmacro %}

{#-
A pre-hook that does so for the users that changed; without a completed build to add to,
for all.

- where: SQL predicate over `this` and `changed_users` joined on user_id
-#}
{% macro delete_stale_rows(where='true') %}
    {#- Bound here: dbt sees a `ref` only where it is called while the project is parsed. -#}
    {% set changed_users = ref('changed_users') %}
    {% if offer_ai.is_delta() %}
        {{ return(offer_ai.delete_of_users(this, changed_users, where)) }}
    {% endif %}
    {{ return(offer_ai.delete_first()) }}
{% endmacro %}

{#-
The events to build from, as a relation to put behind `from`: all of them or, in a
delta, those of changed users from `changed_from` on. With a literal bound on the
time, only the newest part of the table is read.
-#}
{% macro changed_events() %}
    {% set events, changed_users = ref('stg_events'), ref('changed_users') %}
    {% if not offer_ai.is_delta() %}
        {{ return(events) }}
    {% endif %}
    {% set since = run_query('select cast(min(changed_from) as ' ~ dbt.type_string()
        ~ ') from ' ~ changed_users).columns[0].values()[0] %}
    {{ return(
        '(select events.* from ' ~ events ~ ' as events'
        ~ ' inner join ' ~ changed_users ~ ' as changed_users'
        ~ ' on events.user_id = changed_users.user_id'
        ~ ' and events.event_time >= changed_users.changed_from'
        ~ ' where events.event_time >= ' ~ offer_ai.timestamp_literal(since) ~ ')'
    ) }}
{% endmacro %}

{#- A timestamp from Python as a literal; the end of time for none. -#}
{% macro timestamp_literal(value) -%}
    cast('{{ value or "9999-12-31 00:00:00" }}' as timestamp)
{%- endmacro %}
