{%- set point = decision_point('offers') -%}
{%- set cap = point.at_most_per_user_day | int -%}
{#- Sums and counts, added, or times a number, with brackets in them up to three deep: they add up by day. -#}
{%- set within = '(?:[^()]|[(](?:[^()]|[(](?:[^()]|[(][^()]*[)])*[)])*[)])*' -%}
{%- set term = '(?:sum|count)[(](?!\\s*distinct\\b)' ~ within ~ '[)](?:\\s*[*/]\\s*[0-9.]+)?' -%}
{%- set sums = '(?is)' ~ term ~ '(?:\\s*[+-]\\s*' ~ term ~ ')*' -%}
{%- set inexact = [] -%}
with

sums as (
    select
        'purchase_amount of sessions and of events in one' as what,
        (select sum(purchase_amount) from {{ ref('sessions') }}) as one,
        (
            select sum(txn_amount) from {{ ref('stg_events') }}
            where event_type = 'purchase' and {{ is_in_a_session() }}
        ) as other
    union all
    select
        'txn_amount of purchases and of their events' as what,
        (select sum(txn_amount) from {{ ref('stg_purchases') }}) as one,
        (
            select sum(txn_amount) from {{ ref('stg_events') }}
            where event_type = 'purchase'
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
    {%- if is_declared('offers') %}
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
        'offers by country and offers' as what,
        (select sum(shown) from {{ ref('offer_performance_by_country') }}) as one,
        (select count(*) from {{ ref('training_offers') }}) as other
    {%- for measure in point.measures
        if modules.re.fullmatch(sums, measure.config.meta.aggregate | trim) %}
    {%- if type_word(measure.data_type) in ('double', 'float', 'real') %}{% do inexact.append(measure.name ~ ' by day and of offers') %}{% endif %}
    union all
    select
        '{{ measure.name }} by day and of offers' as what,
        (select sum({{ measure.name }}) from {{ ref('offer_performance') }}) as one,
        (
            select cast({{ measure.config.meta.aggregate }} as {{ measure.data_type }})
            from (
                select *, {{ reward('offers', 'offers') }} as reward
                from {{ ref('training_offers') }} as offers
            ) as rewarded
        ) as other
    {%- endfor %}
    {%- endif %}
)

select * from sums
where
    coalesce(one, 0) <> coalesce(other, 0)
    -- Doubles come to nearly the same in any order.
    and not (
        what in ('{{ inexact | join("', '") }}')
        and abs(coalesce(one, 0) - coalesce(other, 0)) <= 1e-9 * abs(coalesce(one, 0))
    )
