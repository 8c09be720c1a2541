{{ config(enabled=is_declared('offers')) }}
{{ arm_decisions('offers', ref('stg_decisions'), 'revenue') }}
