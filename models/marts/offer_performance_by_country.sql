{{ config(enabled=is_declared('offers')) }}
with

profiles as (
    select * from {{ ref('user_profiles') }}
    where valid_to is null
),

training_offers as (
    select
        offers.*,
        profiles.country as country_of_player
    from {{ ref('training_offers') }} as offers
    left join profiles on offers.user_id = profiles.user_id
)

{{ performance('offers', 'training_offers', {'country_of_player': 'country'}) }}
