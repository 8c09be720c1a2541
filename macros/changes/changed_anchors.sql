{#-
The anchors that a build has to do, as a query: all of them or, in a delta, those of
changed users that `where` holds for, SQL over `anchors` (a relation) and `changed_users`.
-#}
{% macro changed_anchors(anchors, where) -%}
    {%- set changed_users = ref('changed_users') -%}
    select anchors.*
    from {{ anchors }} as anchors
    {%- if offer_ai.is_delta() %}
    inner join {{ changed_users }} as changed_users
        on anchors.user_id = changed_users.user_id and {{ where }}
    {%- endif %}
    where {{ offer_ai.computed_once() }}
{%- endmacro %}

{#-
Whether an anchor's features, or its place in a capped day, may change when something
changes from `changed_from` on: earlier ones too, where a feature looks ahead.
-#}
{% macro features_are_changed(anchored_at, changed_from, features) -%}
    {%- set ahead = features | selectattr('config.meta.after', 'defined') | list -%}
    {%- if ahead | selectattr('config.meta.after.count', 'defined') | list -%} true
    {%- elif ahead -%} {{ offer_ai.labels_are_changed(anchored_at, changed_from, ahead) }}
    {%- else -%} {{ anchored_at }} >= cast(cast({{ changed_from }} as date) as timestamp)
    {%- endif -%}
{%- endmacro %}

{#- Whether these labels of an anchor may: they look ahead of it, or there are none. -#}
{% macro labels_are_changed(anchored_at, changed_from, labels) -%}
    {{ offer_ai.microseconds(anchored_at) }}
    > {{ offer_ai.microseconds('cast(cast(' ~ changed_from ~ ' as date) as timestamp)') }} - {{ [offer_ai.label_span(labels), 1] | max }}
{%- endmacro %}
