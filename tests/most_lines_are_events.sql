{{ rejects_beyond(var('most_rejects').fail, lines=1000) }}
