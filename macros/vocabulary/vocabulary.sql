{#- The event vocabulary (`event_fields` and the aliases in dbt_project.yml) as SQL. -#}

{#- Every raw field name the vocabulary reads, once each, as a list. -#}
{% macro raw_names() %}
    {% set names = [] %}
    {% for field in var('event_fields') %}
        {% for name in accepted_names(field, field_aliases()) if name not in names %}
            {% do names.append(name) %}
        {% endfor %}
    {% endfor %}
    {{ return(names) }}
{% endmacro %}

{#- The raw names without which a line is no event: a list of lists, a field's each. -#}
{% macro required_raw_names() %}
    {% set required = [] %}
    {% for field, spec in var('event_fields').items() if spec.required and not spec.of %}
        {% do required.append(accepted_names(field, field_aliases())) %}
    {% endfor %}
    {{ return(required) }}
{% endmacro %}

{#- The raw names of one canonical name, in the order in which they win. -#}
{% macro accepted_names(canonical, aliases) %}
    {% set listed = (aliases or {}).get(canonical) or [] %}
    {% set listed = [listed] if listed is string else listed %}
    {{ return(listed if canonical in listed else [canonical] + listed) }}
{% endmacro %}

{#- The canonical field as text: the first raw name that is not null; of an id, that is not blank. -#}
{% macro raw_text(field) -%}
    {{ first_of('raw', accepted_names(field, field_aliases()),
        passes_blanks=var('event_fields')[field].type in ('id', 'uuid')) }}
{%- endmacro %}

{#-
The first of a relation's columns, or a struct's fields, that is not null and, if `passes_blanks`,
not ''.
-#}
{% macro first_of(relation, names, passes_blanks=false) -%}
    {%- set columns, passes_blanks = [], passes_blanks and names | length > 1 -%}
    {%- for name in names -%}
        {%- set column = relation ~ '.' ~ quoted(name) -%}
        {%- do columns.append('nullif(' ~ column ~ ", '')" if passes_blanks else column) -%}
    {%- endfor -%}
    {{ columns[0] if columns | length == 1 else 'coalesce(' ~ columns | join(', ') ~ ')' }}
{%- endmacro %}

{#- The canonical event type of a raw one; unknown types pass through. -#}
{% macro canonical_event_type(raw) -%}
    {%- set aliases = event_type_aliases() -%}
    case {{ raw }}
        {% for canonical in aliases -%}
        {% for name in accepted_names(canonical, aliases) if name != canonical -%}
        when {{ text_literal(name) }} then {{ text_literal(canonical) }}
        {% endfor -%}
        {% endfor -%}
        when '' then null
        else {{ raw }}
    end
{%- endmacro %}

{#- A raw name as a quoted identifier of the engine. -#}
{% macro quoted(name) -%}
    {{ adapter.quote(name | replace('"', '""')) }}
{%- endmacro %}

{#-
A field's text to its declared type; null where it cannot be read. `value` is a SQL
expression of text.
-#}
{% macro typed(field, value) -%}
    {%- set type = var('event_fields')[field].type -%}
    {%- set no_ids = var('no_user_ids') if field == 'customer_identifier'
        else var('no_session_ids') if field == 'session_id' else [] -%}
    {%- if type == 'text' -%} nullif({{ value }}, '')
    {%- elif type == 'id' -%} {{ to_id(value, no_ids) }}
    {%- elif type == 'uuid' -%} {{ to_uuid(value, var('no_user_ids')) }}
    {%- elif type == 'timestamp' -%} {{ to_utc_timestamp(value) }}
    {%- elif type == 'money' -%} {{ to_money(value) }}
    {%- elif type == 'boolean' -%} {{ to_boolean(value) }}
    {%- elif type == 'integer' -%} {{ to_integer(value) }}
    {%- elif type == 'number' -%} {{ to_number(value) }}
    {%- elif type == 'probability' -%} {{ to_probability(value) }}
    {%- else -%}
        {{ exceptions.raise_compiler_error(
            "dbt_project.yml, event_fields: " ~ field ~ " has type '" ~ type ~ "', which is none "
            ~ "of text, id, uuid, boolean, integer, number, timestamp, money, probability") }}
    {%- endif -%}
{%- endmacro %}

{#- The columns of an event in staging, in order, without those of its landing. -#}
{% macro event_columns() %}
    {% set columns = [] %}
    {% for field, spec in var('event_fields').items() %}
        {% do columns.append(spec.as or field) %}
    {% endfor %}
    {{ return(columns) }}
{% endmacro %}

{#-
The columns that models of this project read and that no field declares, a dict of their types: a
vocabulary of one's own need not have them.
-#}
{% macro undeclared_columns() %}
    {% set read, missing = {}, {} %}
    {% for column in ['currency', 'country', 'language', 'signin_method', 'package_name',
            'package_version', 'os', 'os_version', 'device_type', 'device_make', 'device_model',
            'device_id', 'badge', 'decision_id', 'policy_version', 'decision_context', 'sku',
            'purchase_source'] %}
        {% do read.update({column: dbt.type_string()}) %}
    {% endfor %}
    {% do read.update({'level': 'bigint', 'score': 'bigint', 'currency_balance': 'double',
        'propensity': 'double', 'won': 'boolean', 'txn_amount': offer_ai.money_type(),
        'txn_amount_sent': offer_ai.money_type()}) %}
    {% set declared = offer_ai.event_columns() %}
    {% for column in offer_ai.money_columns() %}{% do declared.append(column ~ '_sent') %}{% endfor %}
    {% for column, type in read.items() if column not in declared %}
        {% do missing.update({column: type}) %}
    {% endfor %}
    {{ return(missing) }}
{% endmacro %}

{#- The columns of landing.landed_events and their types, a dict in order. -#}
{% macro landed_columns() %}
    {% set types = {'boolean': 'boolean', 'integer': 'bigint', 'number': 'double',
        'probability': 'double', 'timestamp': 'timestamp', 'money': money_type()} %}
    {% set columns = {} %}
    {% for field, spec in var('event_fields').items() %}
        {% do columns.update({spec.as or field: types.get(spec.type, dbt.type_string())}) %}
    {% endfor %}
    {% do columns.update({'event_key': 'bigint', 'file_id': 'bigint', 'is_rejected': 'boolean',
        'is_erased': 'boolean'}) %}
    {{ return(columns) }}
{% endmacro %}

{#- The event types that carry the user's profile, as a SQL list. -#}
{% macro profile_event_types() -%}
    ('app_launched', 'user_updated')
{%- endmacro %}
