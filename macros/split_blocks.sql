{#-
Cuts each identity's events into blocks: yields every column of `events` plus
`block_id` (text, unique within the identity).

A new block starts where `split_on` is true of an event and the one before it;
`split_on` is any SQL boolean in which `previous.<column>` is the predecessor's
value. Events are taken in `order_by`, ties in order of event_time.

- events: a relation, by name
- identity: columns that own a sequence of events, as a list
- order_by: columns, as a list
- split_on: the SQL boolean

Example: split_blocks('stg_events', ['user_id'], ['event_time'],
    'event_time > previous.event_time + interval 30 minute')
-#}
{% macro split_blocks(events, identity, order_by, split_on) -%}
{%- set previous = modules.re.findall('previous[.](\\w+)', split_on) | unique | list -%}
{#- In order of a column, its changes delimit exactly its distinct values, so
    there is nothing to sort: blocks of interleaved sessions stay whole. -#}
{%- set changes = modules.re.fullmatch(
    '\\s*(\\w+) (?:<>|!=|is distinct from) previous[.](\\w+)\\s*', split_on
) -%}
{%- if changes and changes.group(1) == changes.group(2) == order_by[0] %}
    select
        *,
        cast({{ order_by[0] }} as {{ dbt.type_string() }}) as block_id
    from {{ events }}
{%- else %}
    {%- set window %}(
            partition by {{ identity | join(', ') }}
            order by {{ (order_by + ['event_time', 'session_id', 'event_key']) | unique | join(', ') }}
        ){% endset %}
    select
        *,
        cast(1 + sum(case when is_cut then 1 else 0 end) over (
            partition by {{ identity | join(', ') }}
            order by {{ (order_by + ['event_time', 'session_id', 'event_key']) | unique | join(', ') }}
            rows between unbounded preceding and current row
        ) as {{ dbt.type_string() }}) as block_id
    from (
        select
            *,
            {{ modules.re.sub('previous[.](\\w+)', 'previous_\\1', split_on) }} as is_cut
        from (
            select
                *,
                {%- for column in previous %}
                lag({{ column }}) over {{ window }} as previous_{{ column }}
                {{- ',' if not loop.last }}
                {%- endfor %}
            from {{ events }}
        ) as paired
    ) as marked
{%- endif %}
{%- endmacro %}
