with

landed_events as (
    select
        {{ row_id() }} as landed_id,
        *
    from {{ ref('landed_events') }}
    where reject_reason is null
),

repeated_keys as (
    select coalesce({{ row_fingerprint(['event_uuid']) }}, event_key) as delivery_key
    from landed_events
    group by 1
    having count(*) > 1
),

deliveries as (
    select
        landed_id,
        -- Equal fingerprints alone are not proof that two events are one.
        row_number() over (
            partition by
                event_uuid,
                case when event_uuid is null then event_key end,
                case when event_uuid is null then user_id end,
                case when event_uuid is null then session_id end,
                case when event_uuid is null then event_time end
            order by event_time, user_id, session_id, event_type, event_key
        ) as delivery_number
    from landed_events
    where
        coalesce({{ row_fingerprint(['event_uuid']) }}, event_key)
        in (select delivery_key from repeated_keys)
)

select landed_id
from deliveries
where delivery_number > 1
