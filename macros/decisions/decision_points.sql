{#- Where decisions are made: `decision_points` in dbt_project.yml, read and checked. -#}

{#- Whether a decision point of this name is declared. -#}
{% macro is_declared(name) %}
    {{ return(name in (var('decision_points', {}) or {})) }}
{% endmacro %}

{#- Whether one is that says what was done: then it can be learned, valued and reported. -#}
{% macro is_decided(name) %}
    {{ return(offer_ai.is_declared(name) and (var('decision_points')[name].get('action') or []) != []) }}
{% endmacro %}

{#-
A declared decision point, checked: a dict of name, event, one (a singular, for the names of its
relations and of its id), time (the column of its t), action (names), columns, measures,
features and labels (entries), also (names), reward (a label's name, or none) and
at_most_per_user_day. Of one that is not declared all are empty: its models are not enabled.
-#}
{% macro decision_point(name) %}
    {% set place = 'decision_points, ' ~ name %}
    {% set defaults = {
        'event': '', 'one': 'offer', 'time': 'offered_at', 'action': [], 'columns': [], 'also': [],
        'measures': [], 'features': 'all', 'labels': 'all', 'reward': none, 'at_most_per_user_day': 0,
        'outcome': [], 'status_quo': none} %}
    {% set point = dict(defaults, name=name) %}
    {% if not offer_ai.is_declared(name) %}
        {% do point.update({'features': [], 'labels': []}) %}
        {{ return(point) }}
    {% endif %}
    {% set declared = var('decision_points')[name] %}
    {% do offer_ai.check_keys(place, declared, defaults.keys() | list, ['event', 'one', 'time']) %}
    {% do point.update(declared) %}
    {% for kind in ['features', 'labels'] %}
        {% do point.update({kind: offer_ai.declared_entries(kind, point[kind], place)}) %}
    {% endfor %}
    {% set columns = point.columns | map(attribute='name') | list %}
    {% for column in columns if column not in offer_ai.event_columns() %}
        {% do offer_ai.refuse(place, "'" ~ column ~ "' under `columns` is no field of event_fields") %}
    {% endfor %}
    {% for key in ['action', 'outcome'] %}
        {% for column in point[key] if column not in columns %}
            {% do offer_ai.refuse(place, "'" ~ column ~ "' under `" ~ key ~ "` is not under `columns`: "
                ~ (columns | join(', ') or 'there are none')) %}
        {% endfor %}
    {% endfor %}
    {% set labels = point.labels | map(attribute='name') | list %}
    {% if point.reward and point.reward not in labels %}
        {% do offer_ai.refuse(
            place, "the reward '" ~ point.reward ~ "' is none of its labels: " ~ labels | join(', ')) %}
    {% endif %}
    {{ return(point) }}
{% endmacro %}

{#- The entries of `features` or `labels` (`kind`) that a point names: `all`, or a list of names. -#}
{% macro declared_entries(kind, names, place) %}
    {% if names == 'all' %}{{ return(var(kind)) }}{% endif %}
    {% set entries = var(kind) | selectattr('name', 'in', names) | list %}
    {% set known = var(kind) | map(attribute='name') | list %}
    {% for name in names if name not in known %}
        {% do offer_ai.refuse(place, "'" ~ name ~ "' is none of the " ~ kind ~ ' declared: ' ~ known | join(', ')) %}
    {% endfor %}
    {{ return(entries) }}
{% endmacro %}

{#- The data type of a column of a decision point, as declared. -#}
{% macro column_type(point, name) %}
    {{ return((point.columns | selectattr('name', 'equalto', name) | list)[0].data_type) }}
{% endmacro %}

{#-
The columns that the rows of decision points, and queries over them, have beside features and labels,
a list of names.
-#}
{% macro taken_columns() %}
    {% set taken = ['anchor_id', 'user_id', 'session_id', 'client_session_id', 'session_index', 'anchored_at',
        'as_of', 'feature_versions', 'label_matures_at', 'is_label_mature', 'arm', 'holdout_share', 'candidates',
        'recency', 'version', 'last_us', 'day', 'is_reference'] %}
    {% for point in (var('decision_points') or {}).values() %}
        {% do taken.extend([(point.one or '') ~ '_id', point.time]) %}
        {% do taken.extend(point.get('columns', []) | map(attribute='name')) %}
    {% endfor %}
    {{ return(taken) }}
{% endmacro %}

{#-
The fields that decisions say of themselves, of what was done and of what came of it, a list of
names: no feature is given with the request (`from_anchor`) by one of them.
-#}
{% macro decided_fields() %}
    {% set fields = ['event_id', 'customer_identifier', 'session_id', 'event_uuid', 'received_at', 'decision_id',
        'propensity', 'policy_version', 'decision_context', 'user_id', 'at'] %}
    {% for name, point in (var('decision_points') or {}).items() %}
        {% do fields.append(name) %}
        {% do fields.extend(point.get('action', []) + point.get('outcome', [])) %}
    {% endfor %}
    {{ return(fields) }}
{% endmacro %}

{#- What decision points say of the rows that are stored, by name: a change asks for a full refresh. -#}
{% macro stored_decision_points() %}
    {% set stored = {} %}
    {% for name, point in (var('decision_points') or {}).items() %}
        {% set kept = {} %}
        {% for key, value in point.items() if key not in ['measures', 'reward', 'action', 'outcome', 'status_quo'] %}
            {% do kept.update({key: value}) %}
        {% endfor %}
        {% do stored.update({name: kept}) %}
    {% endfor %}
    {{ return(stored) }}
{% endmacro %}
