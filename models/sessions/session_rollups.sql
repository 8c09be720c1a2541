{{ config(pre_hook="{{ delete_stale_rows('started_at >= changed_from') }}") }}

with

blocks as (
    {{ events_in_sessions(changed_events()) }}
),

{% if is_delta() -%}
-- Sessions that began before anything changed for their user.
kept_sessions as (
    select
        user_id,
        session_id
    from {{ this }}
    where user_id in (select user_id from {{ ref('changed_users') }})
),
{%- endif %}

rolled_up as (
    select
        user_id,
        block_id as session_id,
        {{ block_measures_of_events() }}
    from blocks
    {%- if is_delta() %}
    where not exists (
        select 1 from kept_sessions
        where
            kept_sessions.user_id = blocks.user_id
            and kept_sessions.session_id = blocks.block_id
    )
    {%- endif %}
    group by user_id, block_id
),

numbered as (
    select
        *,
        cast(row_number() over (
            partition by user_id order by started_at, session_id
        ) as bigint) as session_number
    from rolled_up
)

select
    numbered.user_id,
    numbered.session_id,
    {%- if is_delta() %}
    numbered.session_number + coalesce(kept_counts.session_count, 0)
        as session_index,
    {%- else %}
    numbered.session_number as session_index,
    {%- endif %}
    numbered.event_count,
    numbered.games_played,
    numbered.games_won,
    numbered.purchase_count,
    numbered.offers_shown,
    cast(numbered.purchase_amount as decimal(38, 4)) as purchase_amount,
    numbered.win_ratio,
    {%- for measure in session_measures() %}
    cast(numbered.{{ measure.name }} as {{ measure.data_type }}) as {{ measure.name }},
    {%- endfor %}
    numbered.started_at,
    numbered.ended_at
from numbered
{%- if is_delta() %}
left join (
    select
        user_id,
        count(*) as session_count
    from kept_sessions
    group by user_id
) as kept_counts on numbered.user_id = kept_counts.user_id
{%- endif %}
