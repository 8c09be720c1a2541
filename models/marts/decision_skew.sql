{{ config(enabled=is_declared('offers')) }}
{{ decision_skew('offers', ref('stg_offers_shown')) }}
