{#- Reading JSON. -#}

{#- The scalar at a path such as `$.features.country` of JSON text, as text; null for null. -#}
{% macro json_value(json, path) -%}
    {{ return(adapter.dispatch('json_value', 'offer_ai')(json, path)) }}
{%- endmacro %}

{% macro duckdb__json_value(json, path) -%}
    json_extract_string({{ json }}, '{{ path }}')
{%- endmacro %}

{#- Spark names it otherwise. -#}
{% macro spark__json_value(json, path) -%}
    get_json_object({{ json }}, '{{ path }}')
{%- endmacro %}

{#-
JSON text as a struct whose leaves are text, null where it is no JSON object; it is parsed
once, however many fields are read. `fields` maps a name to none, or to the fields below it,
or is a list of one such, for an array; a leaf that is no scalar is its JSON text.
-#}
{% macro json_struct(json, fields) -%}
    {{ return(adapter.dispatch('json_struct', 'offer_ai')(json, fields)) }}
{%- endmacro %}

{#- DuckDB stops at text that is no JSON. -#}
{% macro duckdb__json_struct(json, fields) -%}
    case when {{ offer_ai.is_json_object(json) if fields is mapping else 'json_valid(' ~ json ~ ')' }}
        then from_json({{ json }}, {{ offer_ai.text_literal(offer_ai.json_shape(fields)) }}) end
{%- endmacro %}

{% macro spark__json_struct(json, fields) -%}
    from_json({{ json }}, {{ offer_ai.text_literal(offer_ai.json_shape(fields)) }})
{%- endmacro %}

{#- A JSON array of objects as an array of such structs, to be made rows of. -#}
{% macro json_struct_rows(json, fields) -%}
    {{ return(adapter.dispatch('json_struct_rows', 'offer_ai')(json, fields)) }}
{%- endmacro %}

{% macro duckdb__json_struct_rows(json, fields) -%}
    unnest(case when json_valid({{ json }})
        then from_json({{ json }}, {{ offer_ai.text_literal(offer_ai.json_shape([fields])) }}) end)
{%- endmacro %}

{#- Spark names it otherwise. -#}
{% macro spark__json_struct_rows(json, fields) -%}
    explode(from_json({{ json }}, {{ offer_ai.text_literal(offer_ai.json_shape([fields])) }}))
{%- endmacro %}

{#- Fields as the engine's description of a struct of text. -#}
{% macro json_shape(fields) -%}
    {{ return(adapter.dispatch('json_shape', 'offer_ai')(fields)) }}
{%- endmacro %}

{% macro duckdb__json_shape(fields) %}
    {% if fields is none %}{{ return('"VARCHAR"') }}{% endif %}
    {% if fields is not mapping %}{{ return('[' ~ offer_ai.json_shape(fields[0]) ~ ']') }}{% endif %}
    {% set parts = [] %}
    {% for name, below in fields.items() %}
        {% do parts.append(tojson(name) ~ ': ' ~ offer_ai.json_shape(below)) %}
    {% endfor %}
    {{ return('{' ~ parts | join(', ') ~ '}') }}
{% endmacro %}

{#- Spark has a grammar of types of its own. -#}
{% macro spark__json_shape(fields) %}
    {% if fields is none %}{{ return('string') }}{% endif %}
    {% if fields is not mapping %}{{ return('array<' ~ offer_ai.json_shape(fields[0]) ~ '>') }}{% endif %}
    {% set parts = [] %}
    {% for name, below in fields.items() %}
        {% do parts.append(offer_ai.quoted(name) ~ ': ' ~ offer_ai.json_shape(below)) %}
    {% endfor %}
    {{ return('struct<' ~ parts | join(', ') ~ '>') }}
{% endmacro %}

{#- The value at a name in the JSON text of an object, as text; null where that is none. -#}
{% macro json_member(json, name) -%}
    {{ return(adapter.dispatch('json_member', 'offer_ai')(json, name)) }}
{%- endmacro %}

{% macro duckdb__json_member(json, name) -%}
    try(json_extract_string({{ json }}, {{ offer_ai.text_literal(offer_ai.json_pointer(name)) }}))
{%- endmacro %}

{#- Spark has no pointers, and null for what is no JSON. -#}
{% macro spark__json_member(json, name) -%}
    get_json_object({{ json }}, {{ offer_ai.text_literal("$['" ~ name ~ "']") }})
{%- endmacro %}

{#- The same of the first of its names that is equal but for case. -#}
{% macro json_member_any_case(json, name) -%}
    {{ return(adapter.dispatch('json_member_any_case', 'offer_ai')(json, name)) }}
{%- endmacro %}

{% macro duckdb__json_member_any_case(json, name) -%}
    try(json_extract_string({{ json }}, '/' || replace(replace(list_filter(
        json_keys({{ json }}), lambda key: lower(key) = {{ offer_ai.text_literal(name | lower) }}
    )[1], '~', '~0'), '/', '~1')))
{%- endmacro %}

{#- A missing element is no error behind `get`. -#}
{% macro spark__json_member_any_case(json, name) -%}
    get_json_object({{ json }}, concat("$['", get(filter(
        json_object_keys({{ json }}), key -> lower(key) = {{ offer_ai.text_literal(name | lower) }}
    ), 0), "']"))
{%- endmacro %}

{% macro json_pointer(name) -%}
    /{{ name | replace('~', '~0') | replace('/', '~1') }}
{%- endmacro %}

{#-
The members of a JSON object as a struct of the shape of `fields`, however deep: by name, else
by name in any case; text that is JSON counts as what it holds.
-#}
{% macro any_case(json, fields) -%}
    {{ return(adapter.dispatch('any_case', 'offer_ai')(json, fields)) }}
{%- endmacro %}

{% macro duckdb__any_case(json, fields) -%}
    {
        {%- for name, below in fields.items() %}
        {{ offer_ai.text_literal(name) }}: {{ offer_ai.member_in_any_case(json, name, below) }}{{ ',' if not loop.last }}
        {%- endfor %}
    }
{%- endmacro %}

{% macro spark__any_case(json, fields) -%}
    named_struct(
        {%- for name, below in fields.items() %}
        {{ offer_ai.text_literal(name) }}, {{ offer_ai.member_in_any_case(json, name, below) }}{{ ',' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}

{#- One of them. -#}
{% macro member_in_any_case(json, name, below) -%}
    {%- set text = 'coalesce(' ~ offer_ai.json_member(json, name) ~ ', '
        ~ offer_ai.json_member_any_case(json, name) ~ ')' -%}
    {%- if below is none -%} {{ text }}
    {%- elif below is mapping -%} {{ offer_ai.any_case(text, below) }}
    {%- else -%} {{ offer_ai.json_struct(text, below) }}
    {%- endif -%}
{%- endmacro %}

{#-
The same struct, by name alone, of an object that has been parsed (`parsed`, of that shape)
and in which text may be JSON.
-#}
{% macro unpacked(json, parsed, fields) -%}
    {{ return(adapter.dispatch('unpacked', 'offer_ai')(json, parsed, fields)) }}
{%- endmacro %}

{% macro duckdb__unpacked(json, parsed, fields) -%}
    struct_update(
        {{ parsed }}
        {%- for name, below in fields.items() if below is not none -%}
        {%- set text = offer_ai.json_member(json, name) -%}
        {%- set nested = 'try(from_json(' ~ text ~ ', ' ~ offer_ai.text_literal(offer_ai.json_shape(below)) ~ '))' -%}
        , {{ offer_ai.quoted(name) }} := {{ offer_ai.unpacked(text, nested, below)
            if below is mapping and below.values() | reject('none') | list else nested }}
        {%- endfor %}
    )
{%- endmacro %}

{#- Spark changes no struct in place. -#}
{% macro spark__unpacked(json, parsed, fields) -%}
    {{ offer_ai.any_case(json, fields) }}
{%- endmacro %}

{#- The element of an array at a place from 0 on; null where there is none. -#}
{% macro element_at(array, place) -%}
    {{ return(adapter.dispatch('element_at', 'offer_ai')(array, place)) }}
{%- endmacro %}

{#- DuckDB counts from 1. -#}
{% macro duckdb__element_at(array, place) -%}
    {{ array }}[{{ place | int + 1 }}]
{%- endmacro %}

{% macro spark__element_at(array, place) -%}
    get({{ array }}, {{ place }})
{%- endmacro %}

{#- The `value` of the first element of an array of `key` and `value` with a key; null for none. -#}
{% macro value_of_key(pairs, key) -%}
    {{ return(adapter.dispatch('value_of_key', 'offer_ai')(pairs, key)) }}
{%- endmacro %}

{% macro duckdb__value_of_key(pairs, key) -%}
    {{ pairs }}[list_position(list_transform({{ pairs }}, lambda pair: pair.key), {{ key }})].value
{%- endmacro %}

{% macro spark__value_of_key(pairs, key) -%}
    get({{ pairs }}, cast(array_position({{ pairs }}.key, {{ key }}) as int) - 1).value
{%- endmacro %}

{#-
Whether members of a JSON object that ought to be objects or arrays are text; on some engine,
whether they may be. JSON in text has quotes in it, which are escaped: few lines have any.
-#}
{% macro holds_json_text(json, fields) -%}
    {{ return(adapter.dispatch('holds_json_text', 'offer_ai')(json, fields)) }}
{%- endmacro %}

{% macro duckdb__holds_json_text(json, fields) -%}
    contains(cast({{ json }} as varchar), chr(92)) and (
        {%- for path in offer_ai.nested_pointers(fields) %}
        {{ 'or ' if not loop.first }}json_type({{ json }}, {{ offer_ai.text_literal(path) }}) = 'VARCHAR'
        {%- endfor %}
    )
{%- endmacro %}

{% macro spark__holds_json_text(json, fields) -%}
    contains({{ json }}, chr(92))
{%- endmacro %}

{#- Where such members are, as JSON pointers, a list. -#}
{% macro nested_pointers(fields, above='') %}
    {% set pointers = [] %}
    {% for name, below in fields.items() if below is not none %}
        {% do pointers.append(above ~ offer_ai.json_pointer(name)) %}
        {% if below is mapping %}
            {% do pointers.extend(offer_ai.nested_pointers(below, above ~ offer_ai.json_pointer(name))) %}
        {% endif %}
    {% endfor %}
    {{ return(pointers) }}
{% endmacro %}
