{{ config(enabled=is_declared('offers'), pre_hook="{{ delete_stale_features('offers') }}") }}
{{ decision_features('offers') }}
