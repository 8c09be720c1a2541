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
changes from `changed_from` on.
-#}
{% macro features_are_changed(anchored_at, changed_from) -%}
    {{ anchored_at }} >= cast(cast({{ changed_from }} as date) as timestamp)
{%- endmacro %}

{#- Whether these labels of an anchor may: they look ahead of it. -#}
{% macro labels_are_changed(anchored_at, changed_from, labels) -%}
    {{ offer_ai.microseconds(anchored_at) }}
    > {{ offer_ai.microseconds('cast(cast(' ~ changed_from ~ ' as date) as timestamp)') }} - {{ offer_ai.label_span(labels) }}
{%- endmacro %}
