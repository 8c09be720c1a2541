{#-
Whether a window over sessions that looks back from a user's last event, or from later,
can hold a session: a SQL predicate over started_at, last_us (that event's time), recency
and earlier_recency (the session's place from the end, after that time and at it). With
`more`, also so many sessions beyond the windows that count them.
-#}
{% macro is_in_reach(windows, more) -%}
    {%- set conditions = [] -%}
    {%- for window in windows if window.over == 'sessions' -%}
        {%- if window.unit == 'count' -%}
            {%- do conditions.append('recency <= ' ~ (window.size + more)) -%}
            {%- do conditions.append('earlier_recency between 1 and ' ~ (window.size + more)) -%}
        {%- else -%}
            {%- do conditions.append(microseconds('started_at') ~ ' + '
                ~ unit_microseconds(window.unit, window.size) ~ ' >= last_us') -%}
        {%- endif -%}
    {%- endfor -%}
    ({{ conditions | join(' or ') or 'false' }})
{%- endmacro %}
