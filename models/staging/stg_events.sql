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
    select *
    from landed_events
    where
        reject_reason is null
        and not exists (
            select 1
            from repeated_events
            where repeated_events.landed_id = landed_events.landed_id
        )
)

select
    {{ event_columns() | join(',\n    ') }},
    event_key
from first_deliveries
