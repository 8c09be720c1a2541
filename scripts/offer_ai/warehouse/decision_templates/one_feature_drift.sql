{{ config(materialized='view', schema='marts', enabled=offer_ai.is_decided('<name>'), contract={'enforced': true}) }}
{{ offer_ai.feature_drift('<name>', ref('<one>_decisions')) }}
