{#-
How each day's features of a decision point differ from those of the days that the model in place
was fitted to, one row per feature and day. `decisions` is a relation of `decision_notes`.
-#}
{% macro feature_drift(name, decisions) -%}
    {%- set point = offer_ai.decision_point(name) -%}
    with

    decided as (
        select * from {{ decisions }}
        where policy_fitted_from is not null and policy_fitted_until is not null
    ),

    latest as (
        select
            *,
            row_number() over (order by {{ point.one }}_id) as place
        from decided
        where event_time = (select max(event_time) from decided)
    ),

    -- The model that decided last, and the days that it was fitted to.
    model as (
        select * from latest
        where place = 1
    ),

    anchors as (
        select
            {%- for feature in point.features %}
            {{ offer_ai.drift_value(feature, 'anchors', point.time) }} as {{ feature.name }},
            {%- endfor %}
            model.policy_in_place as policy_version,
            cast(anchors.{{ point.time }} as date) as day,
            cast(anchors.{{ point.time }} as date) <= model.policy_fitted_until as is_reference
        from {{ ref('training_' ~ name) }} as anchors
        inner join model on cast(anchors.{{ point.time }} as date) >= model.policy_fitted_from
    ),

    -- Numbers are binned at the deciles of the reference.
    edges as (
        select
            {%- for feature in point.features if offer_ai.is_number(feature.data_type) %}
            {{ offer_ai.deciles(feature.name) }} as {{ feature.name }},
            {%- endfor %}
            count(*) as anchors
        from anchors
        where is_reference
    ),

    -- Counted feature by feature: anchors are many, and bins of a day few.
    binned as (
        {%- for feature in point.features %}
        select
            '{{ feature.name }}' as feature,
            policy_version,
            day,
            is_reference,
            {{ offer_ai.is_number(feature.data_type) | lower }} as is_numeric,
            is_null,
            bin,
            count(*) as anchors
        from (
            select
                anchors.policy_version,
                anchors.day,
                anchors.is_reference,
                anchors.{{ feature.name }} is null as is_null,
                {{ offer_ai.bin_of('anchors.' ~ feature.name, feature, 'edges') }} as bin
            from anchors
            cross join edges
        ) as bins
        group by policy_version, day, is_reference, is_null, bin
        {%- if not loop.last %}
        union all
        {%- endif %}
        {%- else %}
        select
            *,
            '' as feature,
            false as is_numeric,
            false as is_null,
            '' as bin,
            0 as anchors
        from anchors
        where false
        {%- endfor %}
    ),

    reference as (
        select
            feature,
            is_numeric,
            is_null,
            bin,
            sum(anchors) as anchors,
            sum(sum(anchors)) over (partition by feature) as total
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
            anchors
        from binned
        where not is_reference
    ),

    days as (
        select
            feature,
            policy_version,
            day,
            sum(anchors) as total
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
            coalesce(by_day.anchors, 0) as anchors,
            reference.anchors as reference_anchors
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
            by_day.anchors,
            0 as reference_anchors
        from days
        inner join by_day on days.feature = by_day.feature and days.day = by_day.day
        left join reference
            on
                by_day.feature = reference.feature
                and by_day.bin = reference.bin
                and by_day.is_null = reference.is_null
        where reference.feature is null
    ),

    -- What nobody had counts as half an anchor: with a fixed share, however small, the index of
    -- many bins and few anchors would be great by chance.
    shares as (
        select
            *,
            greatest(cast(anchors as double), 0.5) / total as share_now,
            greatest(cast(reference_anchors as double), 0.5)
            / greatest(max(reference_total) over (partition by feature, day), 1) as share_then
        from compared
    ),

    totals as (
        select
            feature,
            policy_version,
            day,
            max(total) as anchors,
            max(reference_total) as reference_anchors,
            sum(case when is_null then anchors else 0 end) as null_anchors,
            sum(case when is_null then reference_anchors else 0 end) as reference_null_anchors,
            count(case when is_unseen then 1 end) as unseen_categories,
            sum(case when is_unseen then anchors else 0 end) as unseen,
            sum((share_now - share_then) * ln(share_now / share_then)) as stability_index,
            greatest(count(*) - 1, 1) as df
        from shares
        group by feature, policy_version, day
    )

    select
        feature,
        policy_version,
        cast(anchors as bigint) as {{ name }},
        cast(reference_anchors as bigint) as reference_{{ name }},
        cast(unseen_categories as bigint) as unseen_categories,
        cast(null_anchors as double) / anchors as null_share,
        cast(reference_null_anchors as double) / nullif(reference_anchors, 0) as reference_null_share,
        stability_index as population_stability_index,
        cast(unseen as double) / anchors as unseen_share,
        coalesce(
            least(anchors, reference_anchors) >= {{ var('estimates').min_effective_sample }}
            and stability_index > {{ var('most_drift') }}
            and stability_index
            > {{ offer_ai.chi_squared_limit('df') }}
            * (1 / cast(anchors as double) + 1 / nullif(cast(reference_anchors as double), 0)),
            false
        ) as has_drifted,
        day
    from totals
{%- endmacro %}
