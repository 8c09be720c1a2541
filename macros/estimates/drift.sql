{#- What drift of a feature is measured by. -#}

{#- Whether a declared type is a number, or a time that becomes one, whose values are binned. -#}
{% macro is_number(data_type) %}
    {{ return(data_type.split('(')[0] in
        ['decimal', 'bigint', 'integer', 'int', 'double', 'float', 'timestamp', 'date']) }}
{% endmacro %}

{#-
A feature as SQL over a relation of anchors, a time as the number that a model reads of it:
days before the anchor, or what `encode` says.
-#}
{% macro drift_value(feature, relation, anchored_at) -%}
    {%- set value = relation ~ '.' ~ feature.name -%}
    {%- set us = offer_ai.microseconds('cast(' ~ value ~ ' as timestamp)') -%}
    {%- set days = 'floor(' ~ us ~ ' / 86400000000.0)' -%}
    {%- set encode = feature.config.meta.encode if feature.config else none -%}
    {%- if feature.data_type not in ('timestamp', 'date') -%} {{ value }}
    {%- elif encode == 'hour_of_day' -%} ({{ us }} - {{ days }} * 86400000000) / 3600000000.0
    {%- elif encode == 'day_of_week' -%} {{ days }} + 3 - 7 * floor(({{ days }} + 3) / 7.0)
    {%- else -%} ({{ offer_ai.microseconds(relation ~ '.' ~ anchored_at) }} - {{ us }}) / 86400000000.0
    {%- endif -%}
{%- endmacro %}

{#- The nine deciles of a column of numbers as aggregates: <column>_1 to <column>_9. -#}
{% macro deciles(column) -%}
    {%- for decile in range(1, 10) -%}
    {{ offer_ai.quantile('cast(' ~ column ~ ' as double)', decile / 10) }} as {{ column }}_{{ decile }}
    {{- ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#-
The bin of a feature's value, as text: how many deciles of `edges` a number lies above, any
other value itself. Null is 'none', as a value may be; whoever compares looks at nulls too.
-#}
{% macro bin_of(value, feature, edges) -%}
    {%- if offer_ai.is_number(feature.data_type) -%}
    case when {{ value }} is not null then cast(
        {%- for decile in range(1, 10) %}
        case when {{ value }} > {{ edges }}.{{ feature.name }}_{{ decile }} then 1 else 0 end
        {{- ' +' if not loop.last }}
        {%- endfor %} as {{ dbt.type_string() }}) else 'none' end
    {%- else -%}
    coalesce(cast({{ value }} as {{ dbt.type_string() }}), 'none')
    {%- endif -%}
{%- endmacro %}
