{{ config(
    materialized='incremental', incremental_strategy='append', on_schema_change='fail',
    schema='anchors', contract={'enforced': true},
    meta={'decision_point': '<name>', 'day_of': '<time>'},
    pre_hook="{{ offer_ai.delete_stale_features('<name>') }}") }}
{{ offer_ai.decision_features('<name>') }}
