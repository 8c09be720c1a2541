{{ config(
    enabled=is_declared('offers'), pre_hook="{{ delete_stale_rows('event_time >= changed_from') }}") }}
{{ decision_notes('offers', changed_events()) }}
