with

landed_events as (
    select
        {{ row_id() }} as landed_id,
        *
    from {{ ref('landed_events') }}
),

repeated_events as (
    select * from {{ ref('repeated_events') }}
),

first_deliveries as (
    select landed_events.*
    from landed_events
    left join repeated_events
        on landed_events.landed_id = repeated_events.landed_id
    where
        landed_events.reject_reason is null
        and repeated_events.landed_id is null
)

select
    {{ event_columns() | join(',\n    ') }},
    event_key
from first_deliveries
