{{ config(enabled=is_declared('offers'), pre_hook="{{ delete_stale_labels('offers') }}") }}
{{ decision_labels('offers') }}
