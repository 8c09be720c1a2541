{#-
Features that more than var('most_skew') of the decisions used otherwise than training sees them,
with no late event to explain it.
-#}
{% test decisions_used_what_training_sees(model) %}
with

skew as (
    select
        feature,
        count(*) as decisions,
        count(case when not is_equal and not is_late_news then 1 end) as unexplained
    from {{ model }}
    group by feature
)

select * from skew
where unexplained > {{ var('most_skew') }} * decisions
{% endtest %}
