{#- Which deliveries are one event. -#}

{#-
A 64-bit key that deliveries of one event share: a fingerprint of its `event_uuid`, user,
session and type or, where no uuid is sent, of the fields that tell most events apart, with
the hour of the event in front. Keys of new events then lie beside each other, and
repetitions of them are looked for in the parts of the table that hold those hours. `type`
and `user` name the columns of these.
-#}
{% macro delivery_key(event, type='event_id', user='customer_identifier') -%}
    {%- set owner = [event ~ '.' ~ type, event ~ '.' ~ user, event ~ '.session_id'] -%}
    case
        when {{ event }}.event_uuid is not null
            then -1 - {{ offer_ai.fingerprint([event ~ '.event_uuid'] + owner, bits=63) }}
        else
            {{ offer_ai.hours_since_1970(event ~ '.event_time') }} * {{ 2 ** 36 }}
            + {{ offer_ai.fingerprint([event ~ '.event_time'] + owner, bits=36) }}
    end
{%- endmacro %}

{#-
What deliveries of one event have in common and no others, a list of expressions: user,
session, type and `event_uuid` or, where none is sent, every field.
-#}
{% macro delivery_identity(event) -%}
    {%- set always = ['event_uuid', 'user_id', 'session_id', 'event_type'] -%}
    {{ event }}.{{ always | join(', ' ~ event ~ '.') }}
    {%- for column in offer_ai.event_columns() if column not in always -%}
        , case when {{ event }}.event_uuid is null then {{ event }}.{{ column }} end
    {%- endfor %}
{%- endmacro %}

{#-
A text id of an event: a digest of what its deliveries have in common. Two events of
`stg_events` never share one, and it is the same on every engine.
-#}
{% macro event_id_text() -%}
    {%- set texts = [] -%}
    {%- for field, spec in var('event_fields').items() -%}
        {%- set column = spec.as or field -%}
        {%- if spec.type == 'money' -%}
            {#- Rates may change; what was sent does not. -#}
            {%- set column = column ~ '_sent' -%}
        {%- endif -%}
        {%- if spec.type == 'timestamp' -%}
            {%- do texts.append('cast(' ~ offer_ai.microseconds(column) ~ ' as ' ~ dbt.type_string() ~ ')') -%}
        {%- elif spec.type in ('number', 'probability') -%}
            {#- By way of the shortest text: a double itself is scaled in floating point by one engine. -#}
            {%- do texts.append('cast(' ~ offer_ai.try_to('decimal(38, 12)', 'cast(' ~ column ~ ' as ' ~ dbt.type_string() ~ ')')
                ~ ' as ' ~ dbt.type_string() ~ ')') -%}
        {%- else -%}
            {%- do texts.append('cast(' ~ column ~ ' as ' ~ dbt.type_string() ~ ')') -%}
        {%- endif -%}
    {%- endfor %}
    case
        when event_uuid is not null
            then {{ offer_ai.digest(['event_uuid', 'user_id', 'session_id', 'event_type']) }}
        else {{ offer_ai.digest(texts) }}
    end
{%- endmacro %}

{#- A digest of texts, as hexadecimal text: each counts with its length, null apart from ''. -#}
{% macro digest(texts) -%}
    md5(
        {%- for text in texts %}
        coalesce(length({{ text }}) || ':' || {{ text }}, '-'){{ ' || ' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}

{#-
The events that were accepted, each delivered once, as a query.

- columns: a list of expressions over landing.landed_events
- where: SQL predicate over it
-#}
{% macro accepted_events(columns, where) -%}
-- The relations are named where they are read: DuckDB would copy a CTE that is used twice.
select
    {{ columns | join(',\n    ') }}
from {{ ref('landed_events') }}
where
    not is_rejected
    and {{ where }}
    and event_key not in (select repeats.event_key from {{ ref('repeated_events') }} as repeats)
union all
select
    {{ columns | join(',\n    ') }}
from {{ ref('repeated_events') }}
where delivery_number = 1 and {{ where }}
{%- endmacro %}
