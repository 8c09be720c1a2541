{#-
What `feature_versions` in marts.latest_features holds of each version of a user's
features: SQL expressions, in order. Money and times are text, so that they stay exact.
-#}
{% macro request_values() %}
    {% set values = ['session_id', microseconds('anchored_at')] %}
    {% for feature in snapshot_features() %}
        {% do values.append(
            'cast(' ~ feature.name ~ ' as ' ~ dbt.type_string() ~ ')'
            if type_word(feature.data_type) in ('decimal', 'timestamp', 'date') else feature.name) %}
    {% endfor %}
    {{ return(values) }}
{% endmacro %}
