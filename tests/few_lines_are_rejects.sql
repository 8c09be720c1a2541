{{ config(severity='warn') }}
{{ rejects_beyond(var('most_rejects').warn) }}
