{{ config(materialized='view', schema='anchors') }}
{{ offer_ai.decision_anchors('<name>') }}
