{#-
Until when a session goes on, by a split that goes by time: what the split says of a request
that comes as the next event.
-#}

{#- Whether the declared split cuts a sequence of events, so that no client knows the session. -#}
{% macro is_cut_in_order() %}
    {{ return(session_split().split_on is defined) }}
{% endmacro %}

{#- The columns, as a list, that a split reads of an event itself or (`previous`) of the one before. -#}
{% macro split_columns(split_on, previous=false) %}
    {% set code = modules.re.sub("'(?:[^']|'')*'", "''", split_on) %}
    {% set pattern = '(?i)\\bprevious[.](\\w+)' if previous else '(?i)(?<![\\w.])(\\w+)' %}
    {% set columns = [] %}
    {% for word in modules.re.findall(pattern, code) if word | lower in event_columns() %}
        {% do columns.append(word | lower) %}
    {% endfor %}
    {{ return(columns | unique | list) }}
{% endmacro %}

{#-
The split as SQL over a request: `at_us` (SQL, microseconds) in the place of its event_time,
`previous_<column>` in that of the event before; its other columns are those of the relation.
-#}
{% macro split_at(split_on, at_us) -%}
    {%- set parts = [] -%}
    {#- Text in quotes is no column: every other part is one. -#}
    {%- for part in modules.re.split("('(?:[^']|'')*')", split_on) -%}
        {%- set part = part if loop.index0 % 2 else modules.re.sub(
            '(?i)(?<![\\w.])"?event_time"?(?!\\w)', from_microseconds(at_us),
            modules.re.sub('(?i)\\bprevious[.](\\w+)', 'previous_\\1', part)) -%}
        {%- do parts.append(part) -%}
    {%- endfor -%}
    coalesce({{ parts | join }}, false)
{%- endmacro %}

{#-
Of requests (with `last_us`, the time of the event before), the microseconds from then to the
first power of two at which the split is true: 0 for at once, null for never in 36 years.
-#}
{% macro first_cut_power(split_on) -%}
    {%- set powers = [] -%}
    {%- for exponent in range(51) %}{% do powers.append(2 ** exponent) %}{% endfor -%}
    case
        when {{ split_at(split_on, 'last_us') }} then 0
        else nullif({{ fold(powers, '0',
            'case when so_far > 0 then so_far when ' ~ split_at(split_on, 'last_us + number')
            ~ ' then number else 0 end') }}, 0)
    end
{%- endmacro %}

{#-
The first microsecond at which the split is true, between that power (`reach`) and the half of
it, at which it is not: found by bisection.
-#}
{% macro first_cut(split_on) -%}
    {%- set powers = [] -%}
    {%- for exponent in range(49, -1, -1) %}{% do powers.append(2 ** exponent) %}{% endfor -%}
    case
        when reach = 0 then last_us
        else last_us + 1 + {{ fold(powers, 'cast(floor(reach / 2) as bigint)',
            'case when number * 2 < reach and not ' ~ split_at(split_on, 'last_us + so_far + number')
            ~ ' then so_far + number else so_far end') }}
    end
{%- endmacro %}
