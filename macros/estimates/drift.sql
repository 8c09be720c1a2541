{#- What drift of a feature is measured by. -#}

{#- Whether a declared type is a number, whose values are binned. -#}
{% macro is_number(data_type) %}
    {{ return(data_type.split('(')[0] in
        ['decimal', 'bigint', 'integer', 'int', 'double', 'float']) }}
{% endmacro %}

{#- The nine deciles of a column of numbers as aggregates: <column>_1 to <column>_9. -#}
{% macro deciles(column) -%}
    {%- for decile in range(1, 10) -%}
    {{ quantile('cast(' ~ column ~ ' as double)', decile / 10) }} as {{ column }}_{{ decile }}
    {{- ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#-
The bin of a feature's value, as text: how many deciles of `edges` a number lies above, any
other value itself. Null is 'none', as a value may be; whoever compares looks at nulls too.
-#}
{% macro bin_of(value, feature, edges) -%}
    {%- if is_number(feature.data_type) -%}
    case when {{ value }} is not null then cast(
        {%- for decile in range(1, 10) %}
        case when {{ value }} > {{ edges }}.{{ feature.name }}_{{ decile }} then 1 else 0 end
        {{- ' +' if not loop.last }}
        {%- endfor %} as {{ dbt.type_string() }}) else 'none' end
    {%- else -%}
    coalesce(cast({{ value }} as {{ dbt.type_string() }}), 'none')
    {%- endif -%}
{%- endmacro %}
