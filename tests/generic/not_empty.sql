{#- A relation that must hold something: one row when it holds nothing. -#}
{% test not_empty(model) %}
select count(*) as row_count
from {{ model }}
having count(*) = 0
{% endtest %}
