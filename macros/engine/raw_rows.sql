{#- How each engine reads the rows of a table of events. -#}

{#-
A row of a table as JSON text, an expression: the column `json`, if one is named, else all its
columns by name, each as the text that a JSON producer would send.
-#}
{% macro row_as_json(table, json) -%}
    {%- if json -%}
        {{ return('cast(' ~ quoted(json) ~ ' as ' ~ dbt.type_string() ~ ')') }}
    {%- endif -%}
    {{ return(adapter.dispatch('row_as_json', 'offer_ai')(table)) }}
{%- endmacro %}

{#-
What is null is left out, and so costs neither a byte nor a look at it.
-#}
{% macro duckdb__row_as_json(table) -%}
    {%- set members = [] -%}
    {%- for column in (adapter.get_columns_in_relation(table) if is_executing() else []) -%}
        {%- set value = quoted(column.name) if is_nested(column) else column_as_text(column) -%}
        {%- do members.append(text_literal(',' ~ tojson(column.name) ~ ':')
            ~ ' || to_json(' ~ value ~ ')::varchar') -%}
    {%- endfor -%}
    {{ return("'{' || substr(concat(" ~ members | join(', ') ~ "), 2) || '}'" if members
        else "'{}'") }}
{%- endmacro %}

{#- Whether a column of DuckDB holds values within values. -#}
{% macro is_nested(column) %}
    {% set type = column.dtype | upper %}
    {{ return(type == 'JSON' or type.endswith(']') or type.startswith('STRUCT') or type.startswith('MAP')) }}
{% endmacro %}

{#-
A column of DuckDB as the text of a field, as what Parquet is copied to: whole doubles without a
fraction, bytes decoded, values within values as JSON.
-#}
{% macro column_as_text(column) %}
    {% set name, type = quoted(column.name), column.dtype | upper %}
    {% if type in ('DOUBLE', 'FLOAT') %}
        {{ return('case when ' ~ name ~ ' = trunc(' ~ name ~ ') and abs(' ~ name
            ~ ') < 1e18 then ' ~ name ~ '::hugeint::varchar else ' ~ name ~ '::varchar end') }}
    {% elif type == 'BLOB' %}
        {{ return('coalesce(try(decode(' ~ name ~ ')), ' ~ name ~ '::varchar)') }}
    {% elif is_nested(column) %}
        {{ return("json_extract_string(to_json(" ~ name ~ "), '$')") }}
    {% endif %}
    {{ return(name ~ '::varchar') }}
{% endmacro %}

{#-
Whether the fields of events are columns of the table that they come from, none of which a path
leads into: then no JSON lies between, `new_rows` has them.
-#}
{% macro reads_columns() -%}
    {{ return(events_table() and not var('events_json') and adapter.dispatch('reads_columns', 'offer_ai')()) }}
{%- endmacro %}

{% macro default__reads_columns() -%}
    {{ return(false) }}
{%- endmacro %}

{% macro duckdb__reads_columns() -%}
    {{ return(not has_paths(shape_below(raw_tree()))) }}
{%- endmacro %}

{#- The raw names that a row of the table has, as a struct of text; the case of a column is no matter. -#}
{% macro fields_of_row(table) -%}
    {%- set columns, found = {}, {} -%}
    {%- for column in (adapter.get_columns_in_relation(table) if is_executing() else []) -%}
        {%- do columns.update({column.name | lower: column}) -%}
    {%- endfor -%}
    {%- for name in shape_below(raw_tree()) -%}
        {%- do found.update({name | lower: column_as_text(columns[name | lower])
            if name | lower in columns else 'cast(null as varchar)'}) -%}
    {%- endfor -%}
    {
        {%- for name, value in found.items() %}
        {{ text_literal(name) }}: {{ value }}{{ ',' if not loop.last }}
        {%- endfor %}
    }
{%- endmacro %}

{#- What is null is left out. Bytes would become base64. -#}
{% macro spark__row_as_json(table) -%}
    {%- set columns = [] -%}
    {%- for column in (adapter.get_columns_in_relation(table) if is_executing() else []) -%}
        {%- set name = quoted(column.name) -%}
        {%- do columns.append('cast(' ~ name ~ ' as string) as ' ~ name
            if column.dtype | lower == 'binary' else name) -%}
    {%- endfor -%}
    to_json(struct({{ columns | join(', ') or '*' }}), {{ times_in_full() }})
{%- endmacro %}

{#- Spark: how JSON has times with their microseconds, an argument of `to_json`. -#}
{% macro times_in_full() -%}
    map(
        'timestampFormat', {{ text_literal("yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX") }},
        'timestampNTZFormat', {{ text_literal("yyyy-MM-dd'T'HH:mm:ss.SSSSSS") }}
    )
{%- endmacro %}

{#- The window in which rows are numbered where any order does. -#}
{% macro any_order() -%}
    {{ return(adapter.dispatch('any_order', 'offer_ai')()) }}
{%- endmacro %}

{#- An order, be it by a constant, holds all rows before it numbers the first. -#}
{% macro duckdb__any_order() -%}
    ()
{%- endmacro %}

{#- Spark numbers rows one by one, in one task, whatever it is by. -#}
{% macro spark__any_order() -%}
    (order by loaded_at)
{%- endmacro %}
