-- Each declared feature and label of a few hundred anchors of each decision point, recomputed
-- naively from no more than its words allow.
{%- set differences = [] %}
{%- for name in var('decision_points') or {} %}
{%- set point = decision_point(name) %}
{%- set entries = [] %}
{%- for entry in point.features + point.labels
    if entry.config.meta.as_of is defined or entry.config.meta.over is defined %}
{%- do entries.append(entry) %}
{%- endfor %}
{%- if entries %}
{%- set training = ref('training_' ~ name) %}
{%- set sample = point.one ~ '_sample' %}
{{ 'with' if not differences else ',' }}

{{ sample }} as (
    select
        *,
        {{ point.one }}_id as anchor_id,
        {{ point.time }} as anchored_at
    from {{ training }}
    order by md5({{ point.one }}_id)
    limit 300
),

{{ point.one }}_again as (
    {{ recomputed_features(sample, entries) }}
)
{%- for entry in entries %}
{%- do differences.append("select '" ~ name ~ "' as decision_point, '" ~ entry.name ~ "' as name, "
    ~ sample ~ '.anchor_id, ' ~ sample ~ '.user_id, '
    ~ 'cast(' ~ sample ~ '.' ~ entry.name ~ ' as ' ~ dbt.type_string() ~ ') as stored, '
    ~ 'cast(again.' ~ entry.name ~ ' as ' ~ dbt.type_string() ~ ') as recomputed, '
    ~ sample ~ '.anchored_at from ' ~ sample ~ ' inner join ' ~ point.one ~ '_again as again on '
    ~ sample ~ '.anchor_id = again.anchor_id where again.is_told_' ~ entry.name ~ ' and not ('
    ~ is_same(sample ~ '.' ~ entry.name, 'again.' ~ entry.name, entry.data_type) ~ ')') %}
{%- endfor %}
{%- endif %}
{%- endfor %}

{{ differences | join('\nunion all\n') or 'select 1 as no_decision_point where false' }}
