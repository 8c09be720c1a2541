{%- set request_fields = {'session_id': 'session_id', 'from': 'anchored_at'} -%}
{%- for feature in var('features') -%}
    {#- Money stays exact as text. -#}
    {%- set is_money = feature.data_type.startswith('decimal') -%}
    {%- do request_fields.update({feature.name:
        'cast(' ~ feature.name ~ ' as ' ~ dbt.type_string() ~ ')' if is_money
        else feature.name}) -%}
{%- endfor -%}

with

latest_anchor_features as (
    select * from {{ ref('latest_anchor_features') }}
),

other_requests as (
    select
        user_id,
        {{ json_rows(request_fields, ['session_id', 'anchored_at']) }} as at_request
    from latest_anchor_features
    where not is_latest
    group by user_id
),

latest as (
    select * from latest_anchor_features
    where is_latest
)

select
    latest.user_id,
    {%- for feature in var('features') %}
    latest.{{ feature.name }},
    {%- endfor %}
    other_requests.at_request,
    latest.anchored_at as as_of
from latest
left join other_requests on latest.user_id = other_requests.user_id
