{#- Amounts in several currencies: as they were sent, and in the one that is reported. -#}

{#- The columns of money, a list. -#}
{% macro money_columns() %}
    {% set columns = [] %}
    {% for field, spec in var('event_fields').items() if spec.type == 'money' %}
        {% do columns.append(spec.as or field) %}
    {% endfor %}
    {{ return(columns) }}
{% endmacro %}

{#- Whether an event's currency is another than the one reported, as SQL; false for none. -#}
{% macro is_in_other_currency(currency='currency') -%}
    coalesce(upper(trim({{ currency }})) <> {{ text_literal(var('reporting_currency') | upper) }}, false)
{%- endmacro %}

{#- Whether an event that has landed is: else no amount is converted and no rate is asked for. -#}
{% macro has_other_currencies(landed_events) %}
    {% if 'currency' not in var('event_fields') %}{{ return(false) }}{% endif %}
    {{ return(run_query(
        'select count(*) from (select 1 as one from ' ~ landed_events ~ ' where currency is not null'
        ~ ' and not is_rejected and ' ~ is_in_other_currency() ~ ' limit 1) as found'
    ).columns[0].values()[0] > 0) }}
{% endmacro %}

{#-
The rate of each currency on each day, a relation of currency, day and rate, from one like
the seed `exchange_rates`: a rate holds until the day before the next.
-#}
{% macro daily_rates(exchange_rates) -%}
    (
        select
            currency,
            rate,
            {{ days_between('day', 'last_day') }} as day
        from (
            select
                currency,
                day,
                rate,
                coalesce(
                    {{ days_before('lead(day) over (partition by currency order by day)', 1) }},
                    {{ days_before('greatest(day, cast(' ~ utc_now() ~ ' as date))', -2) }}
                ) as last_day
            from (
                select
                    upper(trim(currency)) as currency,
                    day,
                    max(rate) as rate
                from {{ exchange_rates }}
                group by upper(trim(currency)), day
            ) as rates
        ) as spans
    )
{%- endmacro %}

{#-
The events of a relation with their money in the reporting currency, null where no rate is
known; beside each column of it one as sent (`txn_amount_sent`). `others` are its further
columns.
-#}
{% macro reported_events(events, exchange_rates, others) -%}
    select
        {%- for column in event_columns() %}
        {%- if column in money_columns() %}
        case
            when not {{ is_in_other_currency('events.currency') }} then events.{{ column }}
            else {{ try_to(money_type(), 'round(events.' ~ column ~ ' * rates.rate, 4)') }}
        end as {{ column }},
        events.{{ column }} as {{ column }}_sent,
        {%- else %}
        events.{{ column }},
        {%- endif %}
        {%- endfor %}
        events.{{ others | join(', events.') }}
    from {{ events }} as events
    left join {{ daily_rates(exchange_rates) }} as rates
        on
            upper(trim(events.currency)) = rates.currency
            and cast(events.event_time as date) = rates.day
{%- endmacro %}

{#- The relation with the rates that the last completed build converted with. -#}
{% macro rates_before() %}
    {{ return(landing_relation('built_rates')) }}
{% endmacro %}

{#-
Events in a currency whose rate of their day is another than the build before had, as a
query of user_id, session_id and event_time: what they changed is built again.
-#}
{% macro events_of_changed_rates(landed_events, exchange_rates, before) -%}
    select
        events.user_id,
        events.session_id,
        events.event_time
    from {{ landed_events }} as events
    left join {{ daily_rates(exchange_rates) }} as rates
        on
            upper(trim(events.currency)) = rates.currency
            and cast(events.event_time as date) = rates.day
    {%- if before is not none %}
    left join {{ daily_rates(before) }} as rates_before
        on
            upper(trim(events.currency)) = rates_before.currency
            and cast(events.event_time as date) = rates_before.day
    {%- endif %}
    where
        not events.is_rejected
        and events.currency is not null
        and rates.rate is distinct from {{ 'rates_before.rate' if before is not none else 'null' }}
{%- endmacro %}

{#-
Forgets the rates of the last build where this one converts by others. If it is cut off and they are
put right again, the next build takes all for changed, what this one has converted among them.
-#}
{% macro forget_rates() %}
    {% if not offer_ai.is_executing() or load_cached_relation(rates_before()) is none %}{{ return('') }}{% endif %}
    {% set now, before = as_configured('exchange_rates', 'seed'), rates_before() %}
    {% set others = run_query('select 1 as other from ((select * from ' ~ now ~ ' except select * from ' ~ before
        ~ ') union all (select * from ' ~ before ~ ' except select * from ' ~ now ~ ')) as others limit 1') %}
    {% if others.rows | length %}{% do run_query('drop table ' ~ before) %}{% endif %}
{% endmacro %}

{#- Keeps the rates that a build has converted with, for the next to compare. -#}
{% macro keep_rates() %}
    {% if load_relation(as_configured('landed_events')) is none
        or not has_other_currencies(as_configured('landed_events')) %}
        {{ return('') }}
    {% endif %}
    {% do run_query('drop table if exists ' ~ rates_before()) %}
    {% do run_query('create table ' ~ rates_before() ~ ' as select * from '
        ~ as_configured('exchange_rates', 'seed')) %}
{% endmacro %}
