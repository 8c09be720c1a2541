{#- How far the declared labels look ahead of their anchor. -#}

{#- Microseconds from an anchor to the end of the longest window of these labels. -#}
{% macro label_span(labels) %}
    {% set spans = [0] %}
    {% for window in offer_ai.feature_windows(labels) %}
        {% if window.unit == 'count' %}
            {{ exceptions.raise_compiler_error(
                "dbt_project.yml, labels: a label needs `after: {hour: n}` or "
                ~ "`after: {day: n}`, a time at which it is mature") }}
        {% endif %}
        {% do spans.append(offer_ai.unit_microseconds(window.unit, window.size)) %}
    {% endfor %}
    {{ return(spans | max) }}
{% endmacro %}

{#-
When these labels of an anchor at `anchored_at` can no longer change by what has yet
to happen: after the longest of their windows.
-#}
{% macro label_matures_at(anchored_at, labels) -%}
    {{ offer_ai.from_microseconds(offer_ai.microseconds(anchored_at) ~ ' + ' ~ offer_ai.label_span(labels)) }}
{%- endmacro %}
