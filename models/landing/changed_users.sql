{{ config(pre_hook="{{ delete_first() }}", post_hook=["{{ forget_rates() }}", "{{ note_exclusions() }}"]) }}
{%- set sessions = previous_relation(source('rolled_up_before', 'session_rollups')) -%}
{%- set last_built_file = last_built_file() -%}
{%- set landed_events, exchange_rates = ref('landed_events'), ref('exchange_rates') -%}
{%- set rates_before = previous_relation(source('landed_before', 'built_rates')) -%}
{%- set exclusions_before = previous_relation(source('landed_before', 'built_exclusions')) -%}

with

amounts_at_other_rates as (
    {%- if last_built_file is not none and has_other_currencies(landed_events) %}
    {{ events_of_changed_rates(landed_events, exchange_rates, rates_before) }}
    {%- else %}
    select
        user_id,
        session_id,
        event_time
    from {{ landed_events }}
    where false
    {%- endif %}
),

-- New events, earlier deliveries of those delivered again, amounts at another rate, and what
-- is of a user who did not count before or does not any more.
new_deliveries as (
    select
        user_id,
        session_id,
        event_time
    from {{ ref('landed_events') }}
    where not is_rejected and file_id > {{ last_built_file or 0 }}
    union all
    select
        user_id,
        session_id,
        event_time
    from {{ ref('repeated_events') }}
    where
        event_key in (
            select repeats.event_key from {{ ref('repeated_events') }} as repeats
            where repeats.file_id > {{ last_built_file or 0 }}
        )
    union all
    select
        user_id,
        session_id,
        event_time
    from amounts_at_other_rates
    {%- if last_built_file is not none and exclusions_may_change() %}
    union all
    {{ events_of_changed_exclusions(landed_events, exclusions_before, last_built_file) }}
    {%- endif %}
),

changes as (
    select
        user_id,
        {%- if not has_session_ids() %}
        cast('0001-01-01 00:00:00' as timestamp) as changed_at
        {%- else %}
        event_time as changed_at
        {%- endif %}
    from new_deliveries
    {%- if sessions is not none and has_session_ids() %}
    union all
    -- A session that an event joins changes from its start.
    select
        user_id,
        started_at as changed_at
    from {{ sessions }}
    where
        -- So that a few sessions are looked up and not all; DuckDB knows that grouped
        -- users are few, not that distinct ones are.
        user_id in (
            select new_deliveries.user_id from new_deliveries
            group by new_deliveries.user_id
        )
        and (user_id, session_id) in (
            select
                new_deliveries.user_id,
                new_deliveries.session_id
            from new_deliveries
        )
    {%- endif %}
),

changed_users as (
    select
        user_id,
        min(changed_at) as changed_from
    from changes
    -- A full build changes everyone and asks nobody.
    where {{ 'false' if last_built_file is none else 'true' }}
    group by user_id
)

select * from changed_users
-- depends_on: {{ ref('landed_files') }}
