{{ config(enabled=is_declared('offers')) }}
{{ training_table('offers') }}
