{#-
Schemas are named as declared (`marts`) where the target's own is `main`; another target
schema comes first (`ann_marts`), so that two people on one metastore keep apart.
-#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if target.schema == 'main' -%}
        {{ custom_schema_name or target.schema }}
    {%- else -%}
        {{ target.schema }}{{ '_' ~ custom_schema_name if custom_schema_name }}
    {%- endif -%}
{%- endmacro %}
