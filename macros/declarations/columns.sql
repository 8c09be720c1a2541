{#- Whether what is declared names columns that are there; asked when a run begins. -#}

{#- Ends a run over a declaration that names no column of its relation, or whose SQL is none. -#}
{% macro check_columns() %}
    {% for kind in ['features', 'labels'] %}
        {% for entry in var(kind) %}
            {% set meta, place = entry.config.meta, kind ~ ', ' ~ entry.name %}
            {% set over = meta.get('over') or meta.get('as_of') %}
            {% set columns = [] if not over
                else ['user_id', 'session_id'] + (block_measures().keys() | list) if over == 'sessions'
                else columns_of_events() if over in known_event_types() else columns_of(over) %}
            {% set read = expression_columns(place, meta.aggregate) if 'aggregate' in meta else
                [meta.value] if 'value' in meta else [] %}
            {% for column in read if columns and column | lower not in columns %}
                {% do refuse(place, "'" ~ column ~ "' is no column of " ~ over ~ ': ' ~ columns | join(', ')) %}
            {% endfor %}
        {% endfor %}
    {% endfor %}
    {% for measure in session_measures() %}
        {% set place = 'session_measures, ' ~ measure.name %}
        {% for column in expression_columns(place, measure.config.meta.aggregate)
            if column | lower not in columns_of_events() %}
            {% do refuse(place, "'" ~ column ~ "' is no column of an event: " ~ event_columns() | join(', ')) %}
        {% endfor %}
    {% endfor %}
    {% if session_split().split_on %}
        {% set code = modules.re.sub('(?i)\\bprevious[.](\\w+)', 'previous_\\1', session_split().split_on) %}
        {% for column in expression_columns('session_split', code)
            if (column | lower).removeprefix('previous_') not in columns_of_events() %}
            {% do refuse('session_split', "'" ~ column ~ "' is no column of an event: " ~ event_columns() | join(', ')) %}
        {% endfor %}
    {% endif %}
{% endmacro %}

{#- The columns of an event, a list of names in lower case, as engines compare them. -#}
{% macro columns_of_events() %}
    {% set columns = offer_ai.event_columns() + (offer_ai.undeclared_columns().keys() | list) %}
    {% for column in offer_ai.money_columns() %}{% do columns.append(column ~ '_sent') %}{% endfor %}
    {{ return(columns | map('lower') | unique | list) }}
{% endmacro %}

{#- The columns of a model whose contract names them all, a list; none of another. -#}
{% macro columns_of(name) %}
    {% for node in graph.nodes.values() if node.resource_type == 'model' and node.name == name
        and (node.package_name == 'offer_ai' or node.config.contract.enforced) %}
        {{ return(node.columns.keys() | map('lower') | list) }}
    {% endfor %}
    {{ return([]) }}
{% endmacro %}

{#-
The columns that a SQL expression reads, a list; it ends over one that is no SQL. An engine that
cannot tell without running it has none.
-#}
{% macro expression_columns(place, expression) -%}
    {{ return(adapter.dispatch('expression_columns', 'offer_ai')(place, expression)) }}
{%- endmacro %}
