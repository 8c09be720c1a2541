{{ config(enabled=is_declared('offers')) }}
{%- set point = decision_point('offers') -%}
with

training_offers as (
    select
        *,
        cast({{ point.time }} as date) as day,
        {{ reward('offers', 'offers') }} as reward
    from {{ ref('training_offers') }} as offers
)

select
    day,
    {%- for column in point.action %}
    {{ column }},
    {%- endfor %}
    {%- for measure in point.measures %}
    cast({{ measure.config.meta.aggregate }} as {{ measure.data_type }}) as {{ measure.name }},
    {%- endfor %}
    count(*) as shown,
    count(case when is_label_mature then 1 end) as mature_labels
from training_offers
group by {{ (['day'] + point.action) | join(', ') }}
