{{ config(enabled=is_declared('offers')) }}
{%- set features = decision_point('offers').features -%}
with

decided as (
    select
        policy_in_place,
        policy_fitted_from,
        policy_fitted_until,
        row_number() over (order by event_time desc, offer_id asc) as recency
    from {{ ref('stg_decisions') }}
    where policy_fitted_from is not null and policy_fitted_until is not null
),

-- The model that decided last, and the days that it was fitted to.
model as (
    select * from decided
    where recency = 1
),

offers as (
    select
        {%- for feature in features %}
        {{ drift_value(feature, 'offers', 'offered_at') }} as {{ feature.name }},
        {%- endfor %}
        model.policy_in_place as policy_version,
        cast(offers.offered_at as date) as day,
        cast(offers.offered_at as date) <= model.policy_fitted_until as is_reference
    from {{ ref('training_offers') }} as offers
    inner join model on cast(offers.offered_at as date) >= model.policy_fitted_from
),

-- Numbers are binned at the deciles of the reference.
edges as (
    select
        {%- for feature in features if is_number(feature.data_type) %}
        {{ deciles(feature.name) }},
        {%- endfor %}
        count(*) as offers
    from offers
    where is_reference
),

binned as (
    {%- for feature in features %}
    select
        '{{ feature.name }}' as feature,
        offers.policy_version,
        offers.day,
        offers.is_reference,
        {{ is_number(feature.data_type) | lower }} as is_numeric,
        offers.{{ feature.name }} is null as is_null,
        {{ bin_of('offers.' ~ feature.name, feature, 'edges') }} as bin
    from offers
    cross join edges
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

reference as (
    select
        feature,
        is_numeric,
        is_null,
        bin,
        count(*) as offers,
        sum(count(*)) over (partition by feature) as total
    from binned
    where is_reference
    group by feature, is_numeric, is_null, bin
),

by_day as (
    select
        feature,
        policy_version,
        day,
        is_numeric,
        is_null,
        bin,
        count(*) as offers
    from binned
    where not is_reference
    group by feature, policy_version, day, is_numeric, is_null, bin
),

days as (
    select
        feature,
        policy_version,
        day,
        sum(offers) as total
    from by_day
    group by feature, policy_version, day
),

-- Every bin of the reference on every day, and what the day has beside them.
compared as (
    select
        days.feature,
        days.policy_version,
        days.day,
        days.total,
        reference.total as reference_total,
        reference.is_null,
        false as is_unseen,
        coalesce(by_day.offers, 0) as offers,
        reference.offers as reference_offers
    from days
    inner join reference on days.feature = reference.feature
    left join by_day
        on
            days.feature = by_day.feature
            and days.day = by_day.day
            and reference.bin = by_day.bin
            and reference.is_null = by_day.is_null
    union all
    select
        days.feature,
        days.policy_version,
        days.day,
        days.total,
        0 as reference_total,
        by_day.is_null,
        not by_day.is_numeric and not by_day.is_null as is_unseen,
        by_day.offers,
        0 as reference_offers
    from days
    inner join by_day on days.feature = by_day.feature and days.day = by_day.day
    left join reference
        on
            by_day.feature = reference.feature
            and by_day.bin = reference.bin
            and by_day.is_null = reference.is_null
    where reference.feature is null
),

shares as (
    select
        *,
        greatest(cast(offers as double) / total, 1e-4) as share_now,
        greatest(coalesce(cast(reference_offers as double) / nullif(reference_total, 0), 0), 1e-4)
            as share_then
    from compared
),

totals as (
    select
        feature,
        policy_version,
        day,
        max(total) as offers,
        max(reference_total) as reference_offers,
        sum(case when is_null then offers else 0 end) as null_offers,
        sum(case when is_null then reference_offers else 0 end) as reference_null_offers,
        count(case when is_unseen then 1 end) as unseen_categories,
        sum(case when is_unseen then offers else 0 end) as unseen,
        sum((share_now - share_then) * ln(share_now / share_then)) as stability_index,
        greatest(count(*) - 1, 1) as df
    from shares
    group by feature, policy_version, day
)

select
    feature,
    policy_version,
    cast(offers as bigint) as offers,
    cast(reference_offers as bigint) as reference_offers,
    cast(unseen_categories as bigint) as unseen_categories,
    cast(null_offers as double) / offers as null_share,
    cast(reference_null_offers as double) / nullif(reference_offers, 0) as reference_null_share,
    stability_index as population_stability_index,
    cast(unseen as double) / offers as unseen_share,
    coalesce(
        least(offers, reference_offers) >= {{ var('estimates').min_effective_sample }}
        and stability_index > {{ var('most_drift') }}
        and stability_index
        > {{ chi_squared_limit('df') }}
        * (1 / cast(offers as double) + 1 / nullif(cast(reference_offers as double), 0)),
        false
    ) as has_drifted,
    day
from totals
