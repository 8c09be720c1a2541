{%- set exchange_rates = ref('exchange_rates') -%}
{%- set converts = 'currency' in var('event_fields')
    and (not is_executing() or has_other_currencies(ref('landed_events'))) -%}
{%- set columns = event_columns() + ['event_key', 'file_id'] -%}
{%- set amounts = [] -%}
{%- for column in money_columns() if not converts -%}
{%- do amounts.append(column ~ ' as ' ~ column ~ '_sent') -%}
{%- endfor -%}
{%- set events -%}
-- The relations are named where they are read: DuckDB would copy a CTE that is used twice.
select
    {{ (columns + amounts) | join(',\n    ') }}
from {{ ref('landed_events') }}
where
    not is_rejected
    and {{ user_counts() }}
    and event_key not in (select repeats.event_key from {{ ref('repeated_events') }} as repeats)
union all
select
    {{ (columns + amounts) | join(',\n    ') }}
from {{ ref('repeated_events') }}
where delivery_number = 1 and {{ user_counts() }}
{%- endset -%}
{{ reported_events('(' ~ events ~ ')', exchange_rates, ['event_key', 'file_id']) if converts else events }}
