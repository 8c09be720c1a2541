{{ config(enabled=is_declared('offers')) }}
{{ feature_drift('offers', ref('stg_decisions')) }}
