{{ config(enabled=is_declared('offers')) }}
{%- set point = decision_point('offers') -%}
{%- set by = {'day': 'day'} -%}
{%- for column in point.action %}{% do by.update({column: column}) %}{% endfor -%}
with

training_offers as (
    select
        *,
        cast({{ point.time }} as date) as day,
        {{ reward('offers', 'offers') }} as reward
    from {{ ref('training_offers') }} as offers
)

{{ performance(point, 'training_offers', by) }}
