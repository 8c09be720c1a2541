{{ config(severity='warn') }}
with

skew as (
    select
        feature,
        count(*) as decisions,
        count(case when not is_equal and not is_late_news then 1 end) as unexplained
    from {{ ref('decision_skew') }}
    group by feature
)

select * from skew
where unexplained > {{ var('most_skew') }} * decisions
