{#-
What a block of events amounts to: a dict of column to SQL aggregate over events, those under
`session_measures` among them. `sessions` rolls up whole blocks with it, and a window that sees a block only in
part rolls up the part with the same expressions.
-#}
{% macro block_measures() %}
    {% set measures = dict(offer_ai.shipped_measures()) %}
    {% for measure in offer_ai.session_measures() %}
        {% do measures.update({measure.name: measure.config.meta.aggregate}) %}
    {% endfor %}
    {{ return(measures) }}
{% endmacro %}

{#- Those that each session has, whatever is declared. -#}
{% macro shipped_measures() %}
    {#- A model of a project that has this one as a package may not see what is declared. -#}
    {% set points = var('decision_points', {'offers': {'event': 'offer_shown'}}) or {} %}
    {{ return({
        'started_at': 'min(event_time)',
        'ended_at': 'max(event_time)',
        'event_count': 'count(*)',
        'games_played': "count(case when event_type = 'game_start' then 1 end)",
        'games_won': "count(case when event_type = 'game_end' and won then 1 end)",
        'win_ratio': "count(case when event_type = 'game_end' and won then 1 end)"
            ~ " / nullif(count(case when event_type = 'game_start' then 1 end), 0)",
        'purchase_amount': "coalesce(sum(txn_amount), 0)",
        'purchase_count': "count(case when txn_amount > 0 then 1 end)",
        'offers_shown': 'count(case when event_type = '
            ~ offer_ai.text_literal(points.get('offers', {}).get('event', '')) ~ ' then 1 end)',
    }) }}
{% endmacro %}

{#- The measures of sessions that are declared, a list of entries. -#}
{% macro session_measures() %}
    {{ return(var('session_measures', []) or []) }}
{% endmacro %}

{#- The columns of events that they read, beside time and session, a list of names. -#}
{% macro measured_columns() %}
    {% set read = ['event_type', 'txn_amount', 'won'] %}
    {% set aggregates = offer_ai.session_measures() | map(attribute='config.meta.aggregate') | join(' ') %}
    {#- Nobody may see what is declared of events where no measure is. -#}
    {% for column in offer_ai.columns_of_events() if aggregates
        and column not in read + ['user_id', 'session_id', 'event_time']
        and modules.re.search('(?i)\\b' ~ column ~ '\\b', aggregates) %}
        {% do read.append(column) %}
    {% endfor %}
    {{ return(read) }}
{% endmacro %}

{#- The same as the columns of a select list. -#}
{% macro block_measures_of_events() -%}
    {%- for measure, aggregate in offer_ai.block_measures().items() %}
        {{- aggregate }} as {{ measure }}{{ ',\n        ' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
