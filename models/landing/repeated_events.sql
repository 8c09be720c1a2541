{%- set is_delta = is_incremental() and not has_unfinished_repeats() -%}
{{ config(pre_hook="{{ delete_first('true' if has_unfinished_repeats()
    else 'event_key in (select event_key from ' ~ ref('landed_events')
    ~ ' where file_id >= (select min(file_id) from ' ~ ref('new_files') ~ '))') }}") }}

{%- set first_new_file = "(select min(file_id) from " ~ ref('new_files') ~ ")" -%}
with

{% if is_delta -%}
new_keys as (
    select event_key
    from {{ ref('landed_events') }}
    where file_id >= {{ first_new_file }}
),

candidates as (
    select * from {{ ref('landed_events') }}
    where file_id >= {{ first_new_file }} and {{ computed_once() }}
    union all
    select * from {{ rows_with_keys(ref('landed_events'), 'event_key', 'new_keys',
        'file_id < ' ~ first_new_file) }}
),
{%- endif %}

repeated_keys as (
    select event_key
    from {{ 'candidates' if is_delta else ref('landed_events') }}
    where not is_rejected
    group by event_key
    having count(*) > 1
),

-- Equal keys alone are no proof that two events are one. Of several deliveries of one
-- event the least is the one, in whatever order they came.
deliveries as (
    select
        {{ is_small('repeated_keys') }}
        landed_events.{{ (event_columns() + ['event_key', 'file_id']) | join(',\n        landed_events.') }},
        row_number() over (
            partition by {{ delivery_identity('landed_events') }}
            order by
                landed_events.{{ event_columns() | join(' nulls last, landed_events.') }} nulls last,
                landed_events.file_id
        ) as delivery_number
    from {{ 'candidates' if is_delta else ref('landed_events') }} as landed_events
    inner join repeated_keys on landed_events.event_key = repeated_keys.event_key
    where not landed_events.is_rejected
)

select * from deliveries
