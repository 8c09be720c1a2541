{#- What a SQL expression reads. -#}

{#- DuckDB parses without running; what names a lambda's parameter is no column. -#}
{% macro duckdb__expression_columns(place, expression) %}
    {% set parsed = fromjson(run_query('select json_serialize_sql('
        ~ text_literal('select ' ~ expression ~ ' as value from relation') ~ ')').rows[0][0]) %}
    {% if parsed.error or parsed.statements | length != 1 %}
        {% do refuse(place, 'is no SQL of one value: ' ~ expression ~ ' (' ~ parsed.error_message ~ ')') %}
    {% endif %}
    {% set columns = [] %}
    {% for names in modules.re.findall('"column_names": *\\[([^\\]]*)\\]', tojson(parsed)) %}
        {% do columns.append(fromjson('[' ~ names ~ ']')[-1]) %}
    {% endfor %}
    {{ return([] if 'lambda' in expression or '->' in expression else columns | unique | list) }}
{% endmacro %}

{#- Spark says it when it plans the model. -#}
{% macro spark__expression_columns(place, expression) %}
    {{ return([]) }}
{% endmacro %}
