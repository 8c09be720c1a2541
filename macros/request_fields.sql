{#-
What `at_request` in marts.latest_features holds of each version of a user's
features: a dict of key to SQL expression. Money is text, so that it stays exact.
-#}
{% macro request_fields() %}
    {% set fields = {'session_id': 'session_id', 'from_us': microseconds('anchored_at')} %}
    {% for feature in var('features') %}
        {% set is_money = feature.data_type.startswith('decimal') %}
        {% do fields.update({feature.name:
            'cast(' ~ feature.name ~ ' as ' ~ dbt.type_string() ~ ')' if is_money
            else feature.name}) %}
    {% endfor %}
    {{ return(fields) }}
{% endmacro %}
