{#- Text as a literal, and what a SQL expression reads. -#}

{#- Text as a SQL literal, whatever is in it. -#}
{% macro text_literal(text) -%}
    {{ return(adapter.dispatch('text_literal', 'offer_ai')(text)) }}
{%- endmacro %}

{% macro duckdb__text_literal(text) -%}
    {{ dbt.string_literal(dbt.escape_single_quotes(text)) }}
{%- endmacro %}

{#- In Spark a backslash escapes. -#}
{% macro spark__text_literal(text) -%}
    {{ dbt.string_literal(dbt.escape_single_quotes(text | replace('\\', '\\\\'))) }}
{%- endmacro %}

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
