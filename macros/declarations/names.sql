{#- Names that are misspelt: of vars, and of what windows and histories are over. -#}

{#- The vars that the project knows, a list: those of its dbt_project.yml. -#}
{% macro known_vars() %}
    {{ return([
        'event_fields', 'event_types', 'excluded_users', 'no_user_ids', 'no_session_ids', 'clock_tolerance_hours',
        'watermark_users', 'missing_files', 'reread_files', 'new_names_sort_last', 'events_table',
        'events_loaded_at', 'events_overlap_hours', 'events_json', 'landing_schema', 'events_freshness',
        'most_rejects', 'vocabulary', 'event_type_aliases', 'field_aliases', 'reporting_currency', 'session_split',
        'session_measures', 'features', 'labels', 'decision_points', 'most_skew', 'most_drift', 'holdout_share', 'holdout_offer',
        'estimates']) }}
{% endmacro %}

{#-
Ends over a var that is one letter off one that is missing for it; where another project has this
one as a package, and none is missing, it warns, when that is parsed. Which vars there are dbt does
not tell, so each word that is one letter off is asked for.
-#}
{% macro check_vars() %}
    {% set is_host = project_name != 'offer_ai' and not execute %}
    {% for name in offer_ai.known_vars() if is_host or not var.has_var(name) %}
        {% for word in offer_ai.words_near(name) if var.has_var(word) and word not in offer_ai.known_vars() %}
            {% set problem = 'is no var of Offer AI; the nearest is ' ~ name %}
            {% if var.has_var(name) %}
                {% do exceptions.warn('dbt_project.yml, vars, ' ~ word ~ ': ' ~ problem ~ ', which is declared too') %}
            {% else %}
                {% do offer_ai.refuse('vars, ' ~ word, problem ~ ', which is missing: is it misspelt?') %}
            {% endif %}
        {% endfor %}
    {% endfor %}
{% endmacro %}

{#- The words that are one letter off a name (more, less, another, two in each other's place), a list. -#}
{% macro words_near(name) %}
    {% set words = [] %}
    {% for at in range(name | length + 1) %}
        {% set head, tail = name[:at], name[at:] %}
        {% do words.extend([head ~ tail[1:], head ~ tail[1:2] ~ tail[:1] ~ tail[2:]]) %}
        {% for letter in 'abcdefghijklmnopqrstuvwxyz_' %}
            {% do words.extend([head ~ letter ~ tail, head ~ letter ~ tail[1:]]) %}
        {% endfor %}
    {% endfor %}
    {{ return(words | reject('equalto', name) | unique | list) }}
{% endmacro %}

{#-
Ends over a relation that a feature or label (`key: name`) reads and that is nearly the name of one
that is there. Any other is a model of the user's own, of which dbt says whether it is there.
-#}
{% macro check_relation(place, key, name) %}
    {% set known = ['user_profiles'] if key == 'as_of' else ['sessions'] + known_event_types() + [
        'stg_events', 'stg_purchases', 'stg_game_starts', 'stg_game_ends', 'stg_profile_events', 'stg_offers_shown'] %}
    {% set nearest = offer_ai.nearest(name, known) %}
    {% if key == 'as_of' and name == 'profile_changes' %}
        {% do offer_ai.refuse(place, '`as_of: profile_changes` says from when on and not until when, which '
            ~ 'user_profiles does') %}
    {% elif name not in known and nearest %}
        {% do offer_ai.refuse(place, '`' ~ key ~ ': ' ~ name ~ '` is none of ' ~ known | join(', ')
            ~ '; the nearest is ' ~ nearest ~ ' (call a model of your own less alike)') %}
    {% endif %}
{% endmacro %}

{#- The name that is fewest letters off a word, two at most; none where none is. -#}
{% macro nearest(word, names) %}
    {% set found = namespace(name=none, edits=3) %}
    {% for name in names if (name | length - word | length) | abs < found.edits %}
        {% set edits = offer_ai.edits(word | lower, name) %}
        {% if edits < found.edits %}
            {% set found.name, found.edits = name, edits %}
        {% endif %}
    {% endfor %}
    {{ return(found.name) }}
{% endmacro %}

{#- How many letters must be added, taken out or changed to make one word another (Levenshtein). -#}
{% macro edits(one, other) %}
    {% set rows = namespace(last=range(other | length + 1) | list) %}
    {% for letter in one %}
        {% set row = [loop.index] %}
        {% for instead in other %}
            {% do row.append([rows.last[loop.index] + 1, row[-1] + 1,
                rows.last[loop.index0] + (letter != instead) | int] | min) %}
        {% endfor %}
        {% set rows.last = row %}
    {% endfor %}
    {{ return(rows.last[-1]) }}
{% endmacro %}

{#- The word of a declared type, however it is written: `decimal` of `NUMERIC (10, 2)`. -#}
{% macro type_word(data_type) %}
    {% set word = (data_type | lower).split('(')[0] | trim %}
    {{ return('decimal' if word == 'numeric' else word) }}
{% endmacro %}
