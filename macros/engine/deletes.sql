{#- Taking rows out of a stored table. -#}

{#- Deletes the rows of `relation` that `where` (SQL over it alone) holds for. -#}
{% macro delete_rows(relation, where) -%}
    {{ return(adapter.dispatch('delete_rows')(relation, where)) }}
{%- endmacro %}

{% macro duckdb__delete_rows(relation, where) -%}
    delete from {{ relation }} where {{ where }}
{%- endmacro %}

{#- Files cannot be changed: the rows that stay are written anew and take the table's name. -#}
{% macro spark__delete_rows(relation, where) -%}
    {{ return(keep_rows(relation, 'select * from ' ~ relation ~ ' where not coalesce('
        ~ where ~ ', false)')) }}
{%- endmacro %}

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

{#- As for delete_rows. -#}
{% macro spark__delete_of_users(relation, changed_users, where) -%}
    {{ return(keep_rows(relation, 'select stored.* from ' ~ relation ~ ' as stored'
        ~ ' left anti join ' ~ changed_users ~ ' as changed_users'
        ~ ' on stored.user_id = changed_users.user_id and ' ~ where)) }}
{%- endmacro %}

{#- Spark: replaces a table by rows of itself; returns the last statement of it. -#}
{% macro keep_rows(relation, rows) -%}
    {% set kept = relation.incorporate(path={'identifier': relation.identifier ~ '__kept'}) %}
    {% do run_query('drop table if exists ' ~ kept) %}
    {% do run_query('create table ' ~ kept ~ ' using parquet as ' ~ rows) %}
    {% do run_query('drop table ' ~ relation) %}
    {{ return('alter table ' ~ kept ~ ' rename to ' ~ relation) }}
{%- endmacro %}
