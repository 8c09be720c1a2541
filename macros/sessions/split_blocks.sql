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
    {%- set previous = modules.re.findall('(?i)previous[.](\\w+)', split_on) | map('lower') | unique | list %}
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
            {{ modules.re.sub('(?i)previous[.](\\w+)', 'previous_\\1', split_on) }} as is_cut
        from (
            select
                *
                {%- for column in previous %},
                lag({{ column }}) over ({{ in_order }}) as previous_{{ column }}
                {%- endfor %}
            from {{ events }} as events
        ) as paired
    ) as marked
{%- endmacro %}

{#-
The declared session split, checked: `{by: column}`, a session is all events of a user with
one value of it, or `{order_by: columns, split_on: SQL boolean}`.
-#}
{% macro session_split() %}
    {% set split = var('session_split') %}
    {% if split is not mapping or split.keys() | sort not in (['by'], ['order_by', 'split_on']) %}
        {{ exceptions.raise_compiler_error(
            "dbt_project.yml, session_split: " ~ split ~ " is neither {by: session_id} nor "
            ~ "{order_by: event_time, split_on: <SQL boolean>}") }}
    {% endif %}
    {{ return(split) }}
{% endmacro %}

{#- Whether a session is all events that share the client's session_id. -#}
{% macro has_session_ids() %}
    {{ return(offer_ai.session_split().by == 'session_id') }}
{% endmacro %}

{#-
Whether the declared split puts an event in a session, or (`is_in` false) in none: a SQL
predicate over events.
-#}
{% macro is_in_a_session(is_in=true) -%}
    {%- set column = offer_ai.session_split().by -%}
    {%- if column -%} {{ column }} is {{ 'not ' if is_in }}null
    {%- else -%} {{ is_in }}
    {%- endif -%}
{%- endmacro %}

{#- The columns, as a list, that put a user's events in order where the split cuts them. -#}
{% macro split_columns_in_order() %}
    {% set order_by = offer_ai.session_split().order_by %}
    {{ return([order_by] if order_by is string else order_by) }}
{% endmacro %}

{#- What orders events that are equal in these, as a list of expressions. -#}
{% macro split_ties() %}
    {{ return(['event_time', "coalesce(session_id, '')", 'event_type', offer_ai.fingerprint(offer_ai.event_columns())]) }}
{% endmacro %}

{#- A window of each user's events in the order in which they are cut. -#}
{% macro split_order() -%}
    partition by user_id order by {{ (offer_ai.split_columns_in_order() + offer_ai.split_ties()) | unique | join(', ') }}
{%- endmacro %}

{#-
Events with `block_id`, the session that the declared split puts each in; those that it puts in none
are not among them, or (`with_others`) have none.
-#}
{% macro events_in_sessions(events, with_others=false) -%}
    {%- set split = offer_ai.session_split() -%}
    {%- if split.by %}
    select
        *,
        cast({{ split.by }} as {{ dbt.type_string() }}) as block_id
    from {{ events }} as events
    {%- if not with_others %}
    where {{ offer_ai.is_in_a_session() }}
    {%- endif %}
    {%- else -%}
    {{ offer_ai.split_blocks(
        events, ['user_id'], offer_ai.split_columns_in_order(), split.split_on, ties=offer_ai.split_ties()
    ) }}
    {%- endif %}
{%- endmacro %}
