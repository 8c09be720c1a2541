-- The relations are named where they are read: DuckDB would copy a CTE that is used twice.
select
    {{ event_columns() | join(',\n    ') }},
    event_key,
    file_id
from {{ ref('landed_events') }}
where
    not is_rejected
    and event_key not in (select repeats.event_key from {{ ref('repeated_events') }} as repeats)
union all
select
    {{ event_columns() | join(',\n    ') }},
    event_key,
    file_id
from {{ ref('repeated_events') }}
where delivery_number = 1
