{#-
A model's grain: its rows where a column of the key is null or a key occurs twice.

- columns: the key, as a list
- nullable: columns of it in which null is a value like any other
-#}
{% test primary_key(model, columns, nullable=[]) %}
select
    {{ columns | join(',\n    ') }},
    count(*) as row_count
from {{ model }}
group by {{ columns | join(', ') }}
having
    count(*) > 1
    {%- for column in columns if column not in nullable %}
    or {{ column }} is null
    {%- endfor %}
{% endtest %}
