{#- Whether the user of an event counts: none of `excluded_users`; a SQL predicate over user_id. -#}
{% macro user_counts() -%}
    {%- if var('excluded_users') -%} (not coalesce(({{ var('excluded_users') }}), false))
    {%- else -%} true
    {%- endif -%}
{%- endmacro %}
