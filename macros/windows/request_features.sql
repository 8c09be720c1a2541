{#- Features that are given with the request: `from_anchor` names a field of the anchor's event. -#}

{#- The features that a snapshot can hold, as entries: those that are known before the request. -#}
{% macro snapshot_features() %}
    {{ return(var('features') | rejectattr('config.meta.from_anchor', 'defined') | list) }}
{% endmacro %}

{#- The column of an anchor that a feature reads; its time for the field of the event's time. -#}
{% macro anchor_column(feature) %}
    {% set field = feature.config.meta.from_anchor %}
    {% set column = (var('event_fields').get(field) or {}).get('as') or field %}
    {{ return('anchored_at' if column == 'event_time' else column) }}
{% endmacro %}

{#- The columns of their event that anchors carry for such features, as a list, but for `others`. -#}
{% macro anchor_columns(features, others=[]) %}
    {% set columns = [] %}
    {% for feature in features if feature.config.meta.from_anchor is defined %}
        {% set column = offer_ai.anchor_column(feature) %}
        {% if column not in ['anchored_at', 'user_id', 'session_id'] + others and column not in columns %}
            {% do columns.append(column) %}
        {% endif %}
    {% endfor %}
    {{ return(columns) }}
{% endmacro %}
