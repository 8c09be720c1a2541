{#- Taking rows out of a stored table. -#}

{#-
Deletes the rows of `relation` that `where` holds for, a predicate over it and
`changed_users`, joined on user_id.
-#}
{% macro delete_of_users(relation, changed_users, where) -%}
    {{ return(adapter.dispatch('delete_of_users')(relation, changed_users, where)) }}
{%- endmacro %}

{% macro duckdb__delete_of_users(relation, changed_users, where) -%}
    delete from {{ relation }} as stored
    using {{ changed_users }} as changed_users
    where stored.user_id = changed_users.user_id and {{ where }}
{%- endmacro %}
