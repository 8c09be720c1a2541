-- It reads marts so as to come last: amounts without a rate are null there, and told here.
-- depends_on: {{ ref('sessions') }}
{%- if is_declared('offers') %}, {{ ref('training_offers') }}{% endif %}
{%- set has_currency = 'currency' in var('event_fields') %}
select
    {{ 'currency' if has_currency else 'null as currency' }},
    cast(event_time as date) as day,
    count(*) as event_count
from {{ ref('stg_events') }}
where
    {{ 'currency is not null' if has_currency else 'false' }}
    and (
        false
        {%- for column in money_columns() %}
        or ({{ column }}_sent is not null and {{ column }} is null)
        {%- endfor %}
    )
group by {{ 'currency, ' if has_currency }}cast(event_time as date)
