{{ config(materialized='view', schema='anchors', enabled=offer_ai.is_decided('<name>')) }}
{{ offer_ai.arm_decisions('<name>', ref('<one>_decisions')) }}
