with

landed_events as (
    select * from {{ ref('landed_events') }}
),

repeated_events as (
    select * from {{ ref('repeated_events') }}
),

events as (
    select
        {{ event_columns() | join(',\n        ') }},
        event_key,
        file_id
    from landed_events
    where
        event_type is not null
        and event_key not in (
            select repeated_events.event_key from repeated_events
        )
    union all
    select
        {{ event_columns() | join(',\n        ') }},
        event_key,
        file_id
    from repeated_events
    where delivery_number = 1
)

select * from events
