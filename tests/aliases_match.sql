{{ config(severity='warn') }}
{#- The user's own; a vocabulary has names for more than one producer sends. A field that one
    type of event must have is told by its rejects. -#}
{%- set aliases = var('field_aliases') or {} -%}
{%- set counts, fields = ['count(*) as events'], [] -%}
{%- for field, spec in var('event_fields').items() if aliases.get(field) and not spec.of -%}
{%- do fields.append(field) -%}
{%- do counts.append('count(' ~ (spec.as or field) ~ ') as ' ~ field ~ '_count') -%}
{%- endfor %}
with

counted as (
    select {{ counts | join(', ') }}
    from {{ ref('landed_events') }}
    where not is_rejected
)
{% for field in fields %}
select
    {{ text_literal(field) }} as field_name,
    {{ text_literal(accepted_names(field, aliases) | join(', ')) }} as raw_names
from counted
where events > 0 and {{ field }}_count = 0
{{ 'union all' if not loop.last }}
{%- else %}
select
    null as field_name,
    null as raw_names
from counted
where false
{%- endfor %}
