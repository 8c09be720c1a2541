{#- What erasing a user asks of an engine. -#}

{#- SHA-256 of text, in hexadecimal. -#}
{% macro sha256(text) -%}
    {{ return(adapter.dispatch('sha256', 'offer_ai')(text)) }}
{%- endmacro %}

{% macro duckdb__sha256(text) -%}
    sha256({{ text }})
{%- endmacro %}

{#- Spark names it otherwise. -#}
{% macro spark__sha256(text) -%}
    sha2({{ text }}, 256)
{%- endmacro %}

{#-
Every text that may be an id in a line, however broken, as an array: what stands between any two
quotes that follow each other, or behind the last one, and words.
-#}
{% macro texts_in(line) -%}
    {{ return(adapter.dispatch('texts_in', 'offer_ai')(line)) }}
{%- endmacro %}

{#- A function of the plugin, `erase.py` calls the same. -#}
{% macro duckdb__texts_in(line) -%}
    texts_in({{ line }})
{%- endmacro %}

{#- Spark runs no Python beside its tables; JSON within quoted text is not looked into. -#}
{% macro spark__texts_in(line) -%}
    concat(
        transform(
            concat(
                regexp_extract_all({{ line }}, r'"((?:[^"\\]|\\.)*)"', 1),
                split({{ line }}, '"')
            ),
            quoted -> coalesce(get_json_object(concat('["', quoted, '"]'), '$[0]'), quoted)
        ),
        transform(
            regexp_extract_all({{ line }}, r'[^\s",:;{}\[\]()<>|=\\/]+', 0),
            word -> regexp_replace(word, r'^(-?[0-9]+)[.]0$', '$1')
        ),
        regexp_extract_all({{ line }}, r'[\w-]+', 0)
    )
{%- endmacro %}

{#- The elements of an array as rows, in a select list. -#}
{% macro rows_of(array) -%}
    {{ return(adapter.dispatch('rows_of', 'offer_ai')(array)) }}
{%- endmacro %}

{% macro duckdb__rows_of(array) -%}
    unnest({{ array }})
{%- endmacro %}

{#- Spark names it otherwise. -#}
{% macro spark__rows_of(array) -%}
    explode({{ array }})
{%- endmacro %}

{#- A statement that gives a stored table a boolean column, false in every row. -#}
{% macro add_flag(relation, column) -%}
    {{ return(adapter.dispatch('add_flag', 'offer_ai')(relation, column)) }}
{%- endmacro %}

{% macro duckdb__add_flag(relation, column) -%}
    alter table {{ relation }} add column {{ column }} boolean default false
{%- endmacro %}

{#- Parquet knows no default: where a file lacks the column it is null, which is not true either. -#}
{% macro spark__add_flag(relation, column) -%}
    alter table {{ relation }} add columns ({{ column }} boolean)
{%- endmacro %}
