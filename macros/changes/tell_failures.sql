{#-
On-run-end: the first failing rows of each data test that warned or failed, so that its
currency, event type or reason is read where the build is, not looked up; then, what to do
(`way_out` of the test's meta).
-#}
{% macro tell_failures(results) %}
    {% if not execute %}{{ return('') }}{% endif %}
    {% for result in results if result.status in ('warn', 'fail')
        and result.node.resource_type == 'test' and result.node.package_name == 'offer_ai' %}
        {% set failing = run_query(
            'select * from (' ~ result.node.compiled_code ~ '\n) as failing limit 5') %}
        {% for row in failing.rows %}
            {% set parts = [] %}
            {#- Erasing a user does not change the log: what else is in the row tells it apart. -#}
            {% for name, value in row.dict().items() %}
                {% do parts.append(name ~ ' ' ~ ('…' if name | lower == 'user_id' else value)) %}
            {% endfor %}
            {% do log(result.node.name ~ ': ' ~ parts | join(', '), info=true) %}
        {% endfor %}
        {% if result.failures > failing.rows | length %}
            {% do log(result.node.name ~ ': … and ' ~ (result.failures - failing.rows | length)
                ~ ' more', info=true) %}
        {% endif %}
        {% set way_out = result.node.config.get('meta', {}).get('way_out') %}
        {% if way_out %}{% do log(result.node.name ~ ': ' ~ way_out, info=true) %}{% endif %}
    {% endfor %}
{% endmacro %}
