{{ config(materialized='view', schema='staging') }}
{{ offer_ai.decision_notes('<name>', ref('offer_ai', 'stg_events')) }}
