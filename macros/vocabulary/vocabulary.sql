{#-
The event vocabulary (`event_fields` and the aliases in dbt_project.yml) as SQL.
-#}

{#- Every raw field name the vocabulary reads, once each, as a list. -#}
{% macro raw_names() %}
    {% set names = [] %}
    {% for field in var('event_fields') %}
        {% for name in accepted_names(field, var('field_aliases')) if name not in names %}
            {% do names.append(name) %}
        {% endfor %}
    {% endfor %}
    {{ return(names) }}
{% endmacro %}

{#- The raw names of one canonical name, in the order in which they win. -#}
{% macro accepted_names(canonical, aliases) %}
    {% set listed = (aliases or {}).get(canonical) or [] %}
    {% set listed = [listed] if listed is string else listed %}
    {{ return(listed if canonical in listed else [canonical] + listed) }}
{% endmacro %}

{#- The canonical field as text: the first raw name that is not null. -#}
{% macro raw_text(field) -%}
    {%- set names = accepted_names(field, var('field_aliases')) -%}
    {%- set columns = [] -%}
    {%- for name in names %}{% do columns.append('raw.' ~ quoted(name)) %}{% endfor -%}
    {{ columns[0] if columns | length == 1 else 'coalesce(' ~ columns | join(', ') ~ ')' }}
{%- endmacro %}

{#- The canonical event type of a raw one; unknown types pass through. -#}
{% macro canonical_event_type(raw) -%}
    {%- set aliases = var('event_type_aliases') or {} -%}
    case {{ raw }}
        {% for canonical in aliases -%}
        {% for name in accepted_names(canonical, aliases) if name != canonical -%}
        when {{ dbt.string_literal(dbt.escape_single_quotes(name)) }}
            then {{ dbt.string_literal(dbt.escape_single_quotes(canonical)) }}
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
Text to the field's declared type; null where it cannot be read. `value` is a
SQL expression of text.
-#}
{% macro typed(value, type) -%}
    {%- if type == 'text' -%} nullif({{ value }}, '')
    {%- elif type == 'timestamp' -%} {{ to_utc_timestamp(value) }}
    {%- elif type == 'money' -%} {{ to_money(value) }}
    {%- elif type == 'boolean' -%} {{ to_boolean(value) }}
    {%- elif type == 'integer' -%} {{ to_integer(value) }}
    {%- elif type == 'number' -%} {{ try_to('double', value) }}
    {%- elif type == 'probability' -%} {{ to_probability(value) }}
    {%- else -%}
        {{ exceptions.raise_compiler_error(
            "dbt_project.yml, event_fields: type '" ~ type ~ "' is none of text, "
            ~ "boolean, integer, number, timestamp, money, probability") }}
    {%- endif -%}
{%- endmacro %}

{#-
Judges raw events: yields each row of `raw` (a relation with one text column per
raw name, plus `source_file`) typed, under canonical names, with `reject_reason`
(null for an accepted event). `keep` lists further columns of `raw` to pass on.

Example: `select * from (validated_events('raw_events')) where reject_reason is null`
-#}
{% macro validated_events(raw, keep=[]) %}
    {%- set fields = var('event_fields') -%}
    {%- set validated = [] -%}
    select
        *,
        case
            {%- for field, spec in fields.items() %}
            {%- set guard = "event_id = '" ~ spec.of ~ "' and " if spec.of else '' %}
            {%- set text = field if spec.type == 'text' else field ~ '_text' %}
            {%- if spec.required and spec.type == 'text' %}
            when {{ guard }}{{ field }} is null then '{{ field }} is missing'
            {%- elif spec.required %}
            when {{ guard }}coalesce({{ text }}, '') = '' then '{{ field }} is missing'
            {%- endif %}
            {%- if spec.type in ('timestamp', 'money', 'probability') %}
            when {{ guard }}{{ field }} is null and {{ text }} <> ''
                then '{{ field }} cannot be read as {{ spec.type }}: '
                    || substr({{ text }}, 1, 100)
            {%- endif %}
            {%- endfor %}
        end as reject_reason
    from (
        select
            {%- for column in keep %}
            {{ column }},
            {%- endfor %}
            {%- for field, spec in fields.items() if field != 'event_id' %}
            {%- if spec.type in ('timestamp', 'money', 'probability') %}
            {{ field }}_text,
            {%- endif %}
            {%- if spec.of %}
            case
                when event_id = '{{ spec.of }}'
                    then {{ typed(field ~ '_text', spec.type) }}
            end as {{ field }},
            {%- else %}
            {{ typed(field ~ '_text', spec.type) }} as {{ field }},
            {%- endif %}
            {%- endfor %}
            event_id
        from (
            select
                {%- for column in keep %}
                {{ column }},
                {%- endfor %}
                {%- for field in fields if field != 'event_id' %}
                {{ raw_text(field) }} as {{ field }}_text,
                {%- endfor %}
                {{ canonical_event_type(raw_text('event_id')) }} as event_id
            from {{ raw }} as raw
        ) as named
    ) as typed
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
A text id of an event: its `event_uuid`, else a digest of its declared fields. Two
events of `stg_events` never share one, and it is the same on every engine.
-#}
{% macro event_id_text() -%}
    {%- set fields = var('event_fields').values() | list -%}
    coalesce(event_uuid, md5(
        {%- for column in event_columns() %}
        {%- set type = fields[loop.index0].type %}
        coalesce(
            {%- if type == 'timestamp' %} cast({{ microseconds(column) }} as {{ dbt.type_string() }})
            {%- elif type == 'number' or type == 'probability' %} cast(cast({{ column }} as decimal(38, 12)) as {{ dbt.type_string() }})
            {%- else %} cast({{ column }} as {{ dbt.type_string() }}){% endif %}, ''
        ){{ " || '|' || " if not loop.last }}
        {%- endfor %}
    ))
{%- endmacro %}

{#-
A 64-bit key that deliveries of one event share: a fingerprint of its `event_uuid`
or, where none is sent, of the fields that tell most events apart, with the hour of the
event in front. Keys of new events then lie beside each other, and repetitions of them
are looked for in the parts of the table that hold those hours.
-#}
{% macro delivery_key(event) -%}
    case
        when {{ event }}.event_uuid is not null
            then -1 - {{ fingerprint([event ~ '.event_uuid'], bits=63) }}
        else
            {{ hours_since_1970(event ~ '.event_time') }} * {{ 2 ** 36 }}
            + {{ fingerprint([event ~ '.event_id', event ~ '.event_time',
                event ~ '.customer_identifier', event ~ '.session_id'], bits=36) }}
    end
{%- endmacro %}

{#- What deliveries of one event have in common and no others: a list of expressions. -#}
{% macro delivery_identity(event) -%}
    {{ event }}.event_uuid
    {%- for column in event_columns() if column != 'event_uuid' -%}
        , case when {{ event }}.event_uuid is null then {{ event }}.{{ column }} end
    {%- endfor %}
{%- endmacro %}

{#- The event types that carry the user's profile, as a SQL list. -#}
{% macro profile_event_types() -%}
    ('app_launched', 'user_updated')
{%- endmacro %}
