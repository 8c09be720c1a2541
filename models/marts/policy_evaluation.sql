{{ config(enabled=is_declared('offers')) }}
{{ policy_evaluation('offers', ref('stg_decisions')) }}
