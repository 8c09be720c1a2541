{{ config(enabled=is_declared('offers')) }}
{{ decision_anchors('offers', ref('stg_offers_shown')) }}
