{#-
What `feature_versions` in marts.latest_features holds of each version of a user's
features: SQL expressions, in order. Money is text, so that it stays exact.
-#}
{% macro request_values() %}
    {% set values = ['session_id', microseconds('anchored_at')] %}
    {% for feature in var('features') %}
        {% do values.append(
            'cast(' ~ feature.name ~ ' as ' ~ dbt.type_string() ~ ')'
            if feature.data_type.startswith('decimal') else feature.name) %}
    {% endfor %}
    {{ return(values) }}
{% endmacro %}
