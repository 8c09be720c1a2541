{{ config(enabled=is_declared('offers')) }}
{%- set point = decision_point('offers') -%}
{%- set by = {'day': 'day', 'country_of_player': 'country'} -%}
{%- for column in point.action %}{% do by.update({column: column}) %}{% endfor -%}
with

profiles as (
    select * from {{ ref('user_profiles') }}
    where valid_to is null
),

training_offers as (
    select
        offers.*,
        profiles.country as country_of_player,
        cast(offers.{{ point.time }} as date) as day,
        {{ reward('offers', 'offers') }} as reward
    from {{ ref('training_offers') }} as offers
    left join profiles on offers.user_id = profiles.user_id
)

{{ performance(point, 'training_offers', by) }}
