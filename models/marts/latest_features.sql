{%- set names = var('features') | map(attribute='name') | list -%}

with

latest_anchor_features as (
    select * from {{ ref('latest_anchor_features') }}
),

at_request as (
    select
        user_id,
        {{ json_rows(['session_id', 'anchored_at'] + names, ['session_id', 'anchored_at']) }}
            as at_request
    from latest_anchor_features
    where not is_latest
    group by user_id
),

latest as (
    select * from latest_anchor_features where is_latest
)

select
    latest.user_id,
    {%- for name in names %}
    latest.{{ name }},
    {%- endfor %}
    at_request.at_request,
    latest.anchored_at as as_of
from latest
left join at_request on latest.user_id = at_request.user_id
