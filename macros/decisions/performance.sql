{#-
What the actions of a decision point came to, by columns of `offers`: that is its training table,
with its declared columns, `reward` and `is_label_mature`. `by` maps each column to its name.
-#}
{% macro performance(point, offers, by) -%}
    select
        {%- for column, name in by.items() %}
        {{ column }}{{ ' as ' ~ name if name != column }},
        {%- endfor %}
        {%- for measure in point.measures %}
        cast({{ measure.config.meta.aggregate }} as {{ measure.data_type }}) as {{ measure.name }},
        {%- endfor %}
        count(*) as shown,
        count(case when is_label_mature then 1 end) as mature_labels
    from {{ offers }}
    group by {{ by.keys() | join(', ') }}
{%- endmacro %}
