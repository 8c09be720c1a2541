{%- set exchange_rates = ref('exchange_rates') -%}
{%- set converts = 'currency' in var('event_fields')
    and (not is_executing() or has_other_currencies(ref('landed_events'))) -%}
{%- set columns = event_columns() + ['event_key', 'file_id'] -%}
{%- set amounts = [] -%}
{%- for column in money_columns() if not converts -%}
{%- do amounts.append(column ~ ' as ' ~ column ~ '_sent') -%}
{%- endfor -%}
{%- set events = accepted_events(columns + amounts, user_counts()) -%}
{%- set events = reported_events('(' ~ events ~ ')', exchange_rates, ['event_key', 'file_id']) if converts else events -%}
{%- set missing = undeclared_columns() -%}
{%- if missing %}
-- What no field declares, and the models of this project ask for, is nowhere.
select
    *
    {%- for column, type in missing.items() %},
    cast(null as {{ type }}) as {{ column }}
    {%- endfor %}
from (
    {{ events }}
) as declared
{%- else -%}
{{ events }}
{%- endif %}
