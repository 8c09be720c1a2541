{{ config(materialized='view', schema='marts', contract={'enforced': true}) }}
{{ offer_ai.training_table('<name>') }}
