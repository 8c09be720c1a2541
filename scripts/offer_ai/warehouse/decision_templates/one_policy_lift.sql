{{ config(materialized='view', schema='marts', enabled=offer_ai.is_decided('<name>'), contract={'enforced': true}) }}
{{ offer_ai.policy_lift(ref('<one>_arm_decisions')) }}
