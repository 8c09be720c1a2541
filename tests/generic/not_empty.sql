{#- A relation that must hold something: one row when it holds nothing, unless --empty is asked for. -#}
{% test not_empty(model) %}
select count(*) as row_count
from {{ model }}
having count(*) = 0{{ ' and false' if flags.EMPTY }}
{% endtest %}
