{#-
What the actions of a decision point came to, one row per day and action: its `measures`, which
may name the `reward`. `training` is its training table, or that with more columns, which `by`
maps to their names.
-#}
{% macro performance(name, training=none, by={}) -%}
    {%- set point = offer_ai.decision_point(name) -%}
    {%- set by = dict({'cast(' ~ point.time ~ ' as date)': 'day'}, **by) -%}
    {%- for column in point.action %}{% do by.update({column: column}) %}{% endfor -%}
    select
        {%- for column, called in by.items() %}
        {{ column }}{{ ' as ' ~ called if called != column }},
        {%- endfor %}
        {%- for measure in point.measures %}
        cast({{ measure.config.meta.aggregate }} as {{ measure.data_type }}) as {{ measure.name }},
        {%- endfor %}
        count(*) as shown,
        count(case when is_label_mature then 1 end) as mature_labels
    from (
        select
            *,
            {{ offer_ai.reward(name, 'training') }} as reward
        from {{ training or ref('training_' ~ name) }} as training
    ) as anchors
    group by {{ by.keys() | join(', ') }}
{%- endmacro %}
