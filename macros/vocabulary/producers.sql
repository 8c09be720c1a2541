{#- Vocabularies to choose from, and what the user's own add to them. -#}

{#- The one that was chosen, its name; '' for none. -#}
{% macro chosen_vocabulary() %}
    {{ return(var('vocabulary') or env_var('OFFER_AI_VOCABULARY', '')) }}
{% endmacro %}

{#-
The vocabulary that was chosen, a dict of dicts: `event_type_aliases` and `field_aliases`, as in
dbt_project.yml, and `event_types`, further types that are known. It is the macro
`vocabulary_of_<name>`; a project adds one of its own by writing it.
-#}
{% macro vocabulary() %}
    {% set name = chosen_vocabulary() %}
    {% if not name %}{{ return({}) }}{% endif %}
    {% if 'vocabulary_of_' ~ name not in context %}
        {% set known = [] %}
        {% for macro in context.keys() | sort if macro.startswith('vocabulary_of_') %}
            {% do known.append(macro.removeprefix('vocabulary_of_')) %}
        {% endfor %}
        {% do exceptions.raise_compiler_error(
            "vocabulary: '" ~ name ~ "' is none of " ~ known | join(', ') ~ '; set the var `vocabulary` '
            ~ 'or OFFER_AI_VOCABULARY to one of these, or to nothing.') %}
    {% endif %}
    {{ return(context['vocabulary_of_' ~ name]()) }}
{% endmacro %}

{#- Canonical field to accepted raw names: the user's own, then those of the vocabulary. -#}
{% macro field_aliases() %}
    {{ return(aliases_and_more(var('field_aliases'), vocabulary().get('field_aliases'))) }}
{% endmacro %}

{#- Canonical event type to accepted raw ones, likewise. -#}
{% macro event_type_aliases() %}
    {{ return(aliases_and_more(var('event_type_aliases'), vocabulary().get('event_type_aliases'))) }}
{% endmacro %}

{#- The event types that are known, the user's and those of the vocabulary. -#}
{% macro known_event_types() %}
    {%- set types = var('event_types') + vocabulary().get('event_types', []) -%}
    {#- What a service logs where nothing can be done. -#}
    {%- for point in (var('decision_points', {}) or {}).values() if point.action and 'no_' ~ point.one not in types -%}
        {%- do types.append('no_' ~ point.one) -%}
    {%- endfor -%}
    {{ return(types) }}
{% endmacro %}

{#- Two dicts of a name, or a list of names, in one of lists; those of the first come first. -#}
{% macro aliases_and_more(first, second) %}
    {% set merged = {} %}
    {% for aliases in (first or {}, second or {}) %}
        {% for canonical, names in aliases.items() %}
            {% set listed = merged.setdefault(canonical, []) %}
            {% for name in ([names] if names is string else names or []) if name not in listed %}
                {% do listed.append(name) %}
            {% endfor %}
        {% endfor %}
    {% endfor %}
    {{ return(merged) }}
{% endmacro %}
