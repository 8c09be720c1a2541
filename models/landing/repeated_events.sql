{{ config(pre_hook="{{ delete_first('event_key in (select event_key from '
    ~ ref('landed_events') ~ ' where file_id >= (select min(file_id) from ' ~ ref('new_files')
    ~ '))') }}") }}

{%- set first_new_file = "(select min(file_id) from " ~ ref('new_files') ~ ")" -%}
with

{% if is_incremental() -%}
new_keys as (
    select event_key
    from {{ ref('landed_events') }}
    where file_id >= {{ first_new_file }}
),

candidates as (
    select * from {{ ref('landed_events') }}
    where file_id >= {{ first_new_file }}
    union all
    select * from {{ rows_with_keys(ref('landed_events'), 'event_key', 'new_keys',
        'file_id < ' ~ first_new_file) }}
),
{%- endif %}

repeated_keys as (
    select event_key
    from {{ 'candidates' if is_incremental() else ref('landed_events') }}
    where event_type is not null
    group by event_key
    having count(*) > 1
),

-- Equal keys alone are no proof that two events are one. Of several events under
-- one event_uuid the least is the one, in whatever order they came.
deliveries as (
    select
        {{ is_small('repeated_keys') }}
        landed_events.*,
        row_number() over (
            partition by {{ delivery_identity('landed_events') }}
            order by
                landed_events.{{ event_columns() | join(', landed_events.') }},
                landed_events.file_id
        ) as delivery_number
    from {{ 'candidates' if is_incremental() else ref('landed_events') }} as landed_events
    inner join repeated_keys on landed_events.event_key = repeated_keys.event_key
    where landed_events.event_type is not null
)

select * from deliveries
