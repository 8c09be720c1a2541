{%- set cap = var('max_anchors_per_user_day') | int -%}
with

sums as (
    select
        'purchase_amount of sessions and of purchases in one' as what,
        (select sum(purchase_amount) from {{ ref('sessions') }}) as one,
        (
            select sum(txn_amount) from {{ ref('stg_purchases') }}
            where {{ is_in_a_session() }}
        ) as other
    union all
    select
        'events of sessions and events in one' as what,
        (select sum(event_count) from {{ ref('sessions') }}) as one,
        (
            select count(*) from {{ ref('stg_events') }}
            where {{ is_in_a_session() }}
        ) as other
    union all
    select
        'users with features and users' as what,
        (select count(*) from {{ ref('latest_features') }}) as one,
        (select count(*) from {{ ref('user_activity') }}) as other
    {%- if cap == 0 %}
    union all
    select
        'offers of sessions and offers in one' as what,
        (select sum(offers_shown) from {{ ref('sessions') }}) as one,
        (select count(session_id) from {{ ref('training_offers') }}) as other
    {%- endif %}
    union all
    select
        'offers by day and offers' as what,
        (select sum(shown) from {{ ref('offer_performance') }}) as one,
        (select count(*) from {{ ref('training_offers') }}) as other
    union all
    select
        'labels by day and labels' as what,
        (select sum(next_week_revenue) from {{ ref('offer_performance') }}) as one,
        (select sum(next_week_purchase_amount) from {{ ref('training_offers') }}) as other
)

select * from sums
where coalesce(one, 0) <> coalesce(other, 0)
