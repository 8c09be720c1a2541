{{ config(enabled=is_declared('offers')) }}
{{ performance('offers') }}
