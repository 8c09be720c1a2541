{#-
The anchors that a build has to do, as a query: all of them or, in a delta, those of
changed users that `where` holds for, SQL over `offers` and `changed_users`.
-#}
{% macro changed_anchors(where) -%}
    {%- set offer_anchors, changed_users = ref('offer_anchors'), ref('changed_users') -%}
    select offers.*
    from {{ offer_anchors }} as offers
    {%- if is_delta() %}
    inner join {{ changed_users }} as changed_users
        on offers.user_id = changed_users.user_id and {{ where }}
    {%- endif %}
    where {{ computed_once() }}
{%- endmacro %}

{#-
Whether an offer's features, or its place in a capped day, may change when something
changes from `changed_from` on.
-#}
{% macro features_are_changed(offered_at, changed_from) -%}
    {{ offered_at }} >= cast(cast({{ changed_from }} as date) as timestamp)
{%- endmacro %}

{#- Whether an offer's labels may: they look ahead of it. -#}
{% macro labels_are_changed(offered_at, changed_from) -%}
    {{ microseconds(offered_at) }}
    > {{ microseconds('cast(cast(' ~ changed_from ~ ' as date) as timestamp)') }} - {{ label_span() }}
{%- endmacro %}
