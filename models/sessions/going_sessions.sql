{{ config(pre_hook="{{ delete_stale_rows() }}") }}
{%- set events = changed_events() -%}
{%- set split = session_split() -%}
{%- set points = (var('decision_points') or {}).values() | list -%}
{#- Of several decision points, the first is taken for the one that asks. -#}
{%- set decision_event = points[0].event if points else '' -%}
{%- if not is_cut_in_order() %}
-- The client says which session a request is of.
select
    cast(null as {{ dbt.type_string() }}) as user_id,
    cast(null as {{ dbt.type_string() }}) as request_session_id,
    cast(null as {{ dbt.type_string() }}) as session_id,
    cast(null as timestamp) as over_at
from {{ ref('changed_users') }}
where false
{%- else %}
{%- set known = ['user_id', 'event_time'] -%}
{%- set own = split_columns(split.split_on) | reject('in', known) | list -%}
{%- set previous = split_columns(split.split_on, previous=true) -%}
{#- Where it reads the client's session, a request of the last event's own is told apart. -#}
{%- set sessions = ['cast(null as ' ~ dbt.type_string() ~ ')'] + (['session_id'] if 'session_id' in own else []) %}

with

blocks as (
    {{ events_in_sessions(events) }}
),

followed as (
    select
        *,
        lead(event_time) over ({{ split_order() }}) as next_event_at
    from blocks
),

last_events as (
    select * from followed
    where next_event_at is null
),

-- A request is an event of the decision point: of what else the split reads, it has nothing.
requests as (
    {%- for session in sessions %}
    {{ 'union all' if not loop.first }}
    select
        user_id,
        block_id,
        {{ microseconds('event_time') }} as last_us,
        {%- for column in previous %}
        {{ column }} as previous_{{ column }},
        {%- endfor %}
        {{ session }} as request_session_id
    from last_events
    {{ 'where session_id is not null' if not loop.first }}
    {%- endfor %}
),

as_events as (
    select
        *
        {%- for column in own %},
        {% if column == 'event_type' -%} {{ text_literal(decision_event) }}
        {%- elif column == 'session_id' -%} coalesce(request_session_id, '')
        {%- else -%} cast(null as {{ landed_columns()[column] }})
        {%- endif %} as {{ column }}
        {%- endfor %}
    from requests
),

reached as (
    select
        *,
        {{ first_cut_power(split.split_on) }} as reach
    from as_events
),

cut as (
    select
        *,
        {{ first_cut(split.split_on) }} as over_us
    from reached
)

select
    user_id,
    request_session_id,
    block_id as session_id,
    {{ from_microseconds('over_us') }} as over_at
from cut
{%- endif %}
