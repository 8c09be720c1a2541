{{ config(enabled=is_declared('offers')) }}
with

training_offers as (
    select
        *,
        {{ reward('offers', 'offers') }} as reward
    from {{ ref('training_offers') }} as offers
)

{{ performance(decision_point('offers'), 'training_offers') }}
