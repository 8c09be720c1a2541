{#-
What the actions of a decision point came to by day, from `offers`: its training table with
`reward`. `by` maps further columns of it to their names.
-#}
{% macro performance(point, offers, by={}) -%}
    {%- set by = dict({'cast(' ~ point.time ~ ' as date)': 'day'}, **by) -%}
    {%- for column in point.action %}{% do by.update({column: column}) %}{% endfor -%}
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
