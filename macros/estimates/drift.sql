{#- What drift of a feature is measured by. -#}

{#- Whether a declared type is a number, or a time that becomes one, whose values are binned. -#}
{% macro is_number(data_type) %}
    {{ return(offer_ai.type_word(data_type) in
        ['decimal', 'bigint', 'integer', 'int', 'smallint', 'tinyint', 'hugeint', 'double', 'float', 'real',
            'timestamp', 'date']) }}
{% endmacro %}

{#-
A feature as SQL over a relation of anchors, a number as a double, a time as the number that a model
reads of it: days before the anchor, or what `encode` says.
-#}
{% macro drift_value(feature, relation, anchored_at) -%}
    {%- set value = relation ~ '.' ~ feature.name -%}
    {%- set us = offer_ai.microseconds('cast(' ~ value ~ ' as timestamp)') -%}
    {%- set days = 'floor(' ~ us ~ ' / 86400000000.0)' -%}
    {%- set encode = feature.config.meta.encode if feature.config else none -%}
    {%- if not offer_ai.is_number(feature.data_type) -%} {{ value }}
    {%- elif offer_ai.type_word(feature.data_type) not in ('timestamp', 'date') -%} cast({{ value }} as double)
    {%- elif encode == 'hour_of_day' -%} ({{ us }} - {{ days }} * 86400000000) / 3600000000.0
    {%- elif encode == 'day_of_week' -%} {{ days }} + 3 - 7 * floor(({{ days }} + 3) / 7.0)
    {%- else -%} ({{ offer_ai.microseconds(relation ~ '.' ~ anchored_at) }} - {{ us }}) / 86400000000.0
    {%- endif -%}
{%- endmacro %}

{#- The nine deciles of a column of numbers, as an aggregate: an array. -#}
{% macro deciles(column) -%}
    {{ offer_ai.quantiles(column, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]) }}
{%- endmacro %}

{#-
The bin of a feature's value, as text: how many deciles of `edges` a number lies above, any
other value itself. Null is 'none', as a value may be; whoever compares looks at nulls too.
-#}
{% macro bin_of(value, feature, edges) -%}
    {%- if offer_ai.is_number(feature.data_type) -%}
    case when {{ value }} is not null then cast(
        {%- for place in range(9) %}
        case when {{ value }} > {{ offer_ai.element_at(edges ~ '.' ~ feature.name, place) }} then 1 else 0 end
        {{- ' +' if not loop.last }}
        {%- endfor %} as {{ dbt.type_string() }}) else 'none' end
    {%- else -%}
    coalesce(cast({{ value }} as {{ dbt.type_string() }}), 'none')
    {%- endif -%}
{%- endmacro %}
