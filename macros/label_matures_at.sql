{#-
When the labels of an anchor at `anchored_at` can no longer change by what has yet
to happen: after the longest of their windows.
-#}
{% macro label_matures_at(anchored_at) -%}
    {%- set spans = [] -%}
    {%- for window in feature_windows(var('labels')) -%}
        {%- do spans.append(unit_microseconds(window.unit, window.size) | int) -%}
    {%- endfor -%}
    {{ from_microseconds(microseconds(anchored_at) ~ ' + ' ~ spans | max) }}
{%- endmacro %}
