{#- Which raw events are accepted, and why the others are not. -#}

{#-
Raw events typed and under canonical names: each row of `raw` (a relation with one text
column per raw name and `landed_at`), with `is_rejected` and, for one that is, with
`reject_reason` if `reasons` are asked for. `keep` lists further columns of `raw` to pass on.

Example: `select * from (validated_events('raw_events')) where not is_rejected`
-#}
{% macro validated_events(raw, keep=[], reasons=false) %}
    {%- set fields = var('event_fields') -%}
    {%- set faults = event_faults() -%}
    select
        *,
        {%- if reasons %}
        case
            {%- for fault in faults %}
            when {{ fault.where }} then {{ fault.reason }}
            {%- endfor %}
        end as reject_reason,
        {%- endif %}
        coalesce(
            {%- for fault in faults %}
            {{ 'or ' if not loop.first }}{{ fault.where }}
            {%- endfor %}, false
        ) as is_rejected
    from (
        select
            {%- for column in keep %}
            {{ column }},
            {%- endfor %}
            {%- for field, spec in fields.items() if field != 'event_id' %}
            {%- if is_judged_by_text(spec) %}
            {{ field }}_text,
            {%- endif %}
            {%- if spec.of %}
            case
                when {{ is_of(spec) }}
                    then {{ typed(field, field ~ '_text') }}
            end as {{ field }},
            {%- else %}
            {{ typed(field, field ~ '_text') }} as {{ field }},
            {%- endif %}
            {%- endfor %}
            event_id,
            landed_at
        from (
            select
                {%- for column in keep %}
                {{ column }},
                {%- endfor %}
                {%- for field in fields if field != 'event_id' %}
                {{ raw_text(field) }} as {{ field }}_text,
                {%- endfor %}
                {{ canonical_event_type(raw_text('event_id')) }} as event_id,
                raw.landed_at
            from {{ raw }} as raw
        ) as named
    ) as typed
{%- endmacro %}

{#- SQL for whether an event is of the type, or one of the types, that own a field. -#}
{% macro is_of(spec) -%}
    {%- set types = offer_ai.owners(spec) -%}
    event_id {{ '= ' ~ literals(types) if types | length == 1 else 'in (' ~ literals(types) ~ ')' }}
{%- endmacro %}

{#- The event types that alone own a field, a list; empty for all. -#}
{% macro owners(spec) %}
    {{ return([spec.of] if spec.of is string else spec.of or []) }}
{% endmacro %}

{#- Whether what was sent, if it cannot be read, rejects the line. -#}
{% macro is_judged_by_text(spec) %}
    {{ return(spec.type in ('money', 'probability') or (spec.required and spec.type == 'timestamp')) }}
{% endmacro %}

{#-
What may be wrong with an event, in the order in which it is told: a list of `where`, SQL
that is true of it, and `reason`, SQL for its name.
-#}
{% macro event_faults() %}
    {% set faults = [] %}
    {% for field, spec in var('event_fields').items() %}
        {% set guard = is_of(spec) ~ ' and ' if spec.of else '' %}
        {% if is_judged_by_text(spec) %}
            {% if spec.required %}
                {% do faults.append({
                    'where': '(' ~ guard ~ "coalesce(" ~ field ~ "_text, '') = '')",
                    'reason': "'" ~ field ~ " is missing'"}) %}
            {% endif %}
            {% do faults.append({
                'where': '(' ~ guard ~ field ~ " is null and " ~ field ~ "_text <> '')",
                'reason': "'" ~ field ~ " cannot be read as " ~ spec.type ~ ": ' || substr("
                    ~ field ~ "_text, 1, 100)"}) %}
        {% elif spec.required %}
            {% do faults.append({
                'where': '(' ~ guard ~ field ~ ' is null)',
                'reason': "'" ~ field ~ " is missing'"}) %}
        {% endif %}
    {% endfor %}
    {% set received = 'coalesce(received_at, landed_at)' if 'received_at' in var('event_fields')
        else 'landed_at' %}
    {% do faults.append({
        'where': '(' ~ microseconds('event_time') ~ ' > ' ~ microseconds(received) ~ ' + '
            ~ unit_microseconds('hour', var('clock_tolerance_hours')) ~ ')',
        'reason': "'event_time is later than it was received or landed, by more than "
            ~ var('clock_tolerance_hours') ~ " hours: ' || cast(event_time as "
            ~ dbt.type_string() ~ ")"}) %}
    {% do faults.append({
        'where': "(event_time < cast('0001-01-01 00:00:00' as timestamp))",
        'reason': "'event_time is before the year 1'"}) %}
    {{ return(faults) }}
{% endmacro %}
