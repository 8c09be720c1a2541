{{ config(materialized='view', schema='marts', enabled=offer_ai.is_decided('<name>'), contract={'enforced': true}) }}
{{ offer_ai.performance('<name>') }}
