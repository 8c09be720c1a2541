{#-
Cuts each identity's events into blocks: yields every column of `events` plus
`block_id` (text, unique within the identity).

A new block starts where `split_on` is true of an event and the one before it;
`split_on` is any SQL boolean in which `previous.<column>` is the predecessor's
value. Events are taken in `order_by`; `ties` says in which order those come that
are equal in it.

- events: a relation
- identity: columns that own a sequence of events, as a list
- order_by: columns, as a list
- split_on: the SQL boolean
- ties: columns or expressions, as a list

Example: split_blocks(ref('stg_events'), ['user_id'], ['event_time'],
    'event_time > previous.event_time + interval 30 minute')
-#}
{% macro split_blocks(events, identity, order_by, split_on, ties=[]) -%}
{%- if is_change_of_column(order_by, split_on) %}
    select
        *,
        cast({{ order_by[0] }} as {{ dbt.type_string() }}) as block_id
    from {{ events }} as events
{%- else %}
    {%- set previous = modules.re.findall('previous[.](\\w+)', split_on) | unique | list %}
    {#- Spelled out in each window: Spark puts no frame on a named one. -#}
    {%- set in_order = 'partition by ' ~ identity | join(', ')
        ~ ' order by ' ~ (order_by + ties) | unique | join(', ') %}
    select
        *,
        cast(1 + sum(case when is_cut then 1 else 0 end) over (
            {{ in_order }}
            rows between unbounded preceding and current row
        ) as {{ dbt.type_string() }}) as block_id
    from (
        select
            *,
            {{ modules.re.sub('previous[.](\\w+)', 'previous_\\1', split_on) }} as is_cut
        from (
            select
                *
                {%- for column in previous %},
                lag({{ column }}) over ({{ in_order }}) as previous_{{ column }}
                {%- endfor %}
            from {{ events }} as events
        ) as paired
    ) as marked
{%- endif %}
{%- endmacro %}

{#-
Whether a split cuts where the column that events are ordered by changes. Such cuts
delimit exactly its distinct values, so there is nothing to sort, and blocks whose
events interleave in time stay whole.
-#}
{% macro is_change_of_column(order_by, split_on) %}
    {% set change = modules.re.fullmatch(
        '\\s*(\\w+) (?:<>|!=|is distinct from) previous[.](\\w+)\\s*', split_on) %}
    {{ return(change is not none
        and change.group(1) == change.group(2) == order_by[0]) }}
{% endmacro %}

{#- The columns by which the declared session split orders events, as a list. -#}
{% macro session_order() %}
    {% set order_by = var('session_split').order_by %}
    {{ return([order_by] if order_by is string else order_by) }}
{% endmacro %}

{#- Whether a session is all events that share the client's session_id. -#}
{% macro has_session_ids() %}
    {{ return(session_order()[0] == 'session_id'
        and is_change_of_column(session_order(), var('session_split').split_on)) }}
{% endmacro %}

{#- Events with `block_id`, the session that the declared split puts each in. -#}
{% macro events_in_sessions(events) -%}
    {{ split_blocks(
        events, ['user_id'], session_order(), var('session_split').split_on,
        ties=['event_time', 'session_id', 'event_type', fingerprint(event_columns())]
    ) }}
{%- endmacro %}
