{#-
What is declared in dbt_project.yml, checked as soon as dbt reads it: a wrong declaration ends
with one sentence that names the list, the entry and the key, and says what is possible.
-#}

{#- Ends with a sentence on a declaration: `place` as 'features, country', what is wrong there. -#}
{% macro refuse(place, problem) %}
    {% do exceptions.raise_compiler_error('dbt_project.yml, ' ~ place ~ ': ' ~ problem) %}
{% endmacro %}

{#- What is possible, as text: `a, b or c`. -#}
{% macro one_of(names) -%}
    {%- set names = names | list -%}
    {{ (names[:-1] | join(', ') ~ ' or ' ~ names[-1]) if names | length > 1 else names | join }}
{%- endmacro %}

{#- Ends unless `declared` is a mapping of no keys but `known`, with all of `needed`. -#}
{% macro check_keys(place, declared, known, needed=[]) %}
    {% if declared is not mapping %}
        {% do offer_ai.refuse(place, declared | string ~ ' is no mapping of ' ~ known | join(', ')) %}
    {% endif %}
    {% for key in declared if key not in known %}
        {% do offer_ai.refuse(place, "'" ~ key ~ "' is none of " ~ known | join(', ')) %}
    {% endfor %}
    {% for key in needed if declared.get(key) in (none, '') %}
        {% do offer_ai.refuse(place, '`' ~ key ~ '` is missing') %}
    {% endfor %}
{% endmacro %}

{#- Checks all that is declared, but what only a built graph can tell (check_columns). -#}
{% macro check_declarations() %}
    {% do offer_ai.check_vars() %}
    {% do offer_ai.check_fields() %}
    {% do offer_ai.check_split() %}
    {% do offer_ai.check_entries('session_measures', offer_ai.session_measures()) %}
    {% do offer_ai.check_entries('features', var('features')) %}
    {% do offer_ai.check_entries('labels', var('labels')) %}
    {% do offer_ai.check_points() %}
{% endmacro %}

{#- Checks that decision points are of types of events that are known, and earn what counts for each decision. -#}
{% macro check_points() %}
    {% for name, point in (var('decision_points') or {}).items() %}
        {% do offer_ai.check_event_type('decision_points, ' ~ name, 'event', point.event) %}
        {% for label in var('labels') if label.name == point.reward %}
            {% do offer_ai.check_reward('decision_points, ' ~ name, label) %}
        {% endfor %}
    {% endfor %}
{% endmacro %}

{#- Checks that the label which is a reward is a number of each decision. -#}
{% macro check_reward(place, label) %}
    {% if label.data_type in ('string', 'timestamp', 'date') %}
        {% do offer_ai.refuse(place, "the reward '" ~ label.name ~ "' is of type " ~ label.data_type
            ~ ': what is earned is a number or a boolean') %}
    {% elif label.config.meta.if_none is not defined %}
        {% do offer_ai.refuse(place, "the reward '" ~ label.name ~ "' says nothing of an empty window: a "
            ~ 'decision that nothing follows has earned what `if_none` says, such as `if_none: 0`') %}
    {% endif %}
{% endmacro %}

{#- Checks that a type of event which an entry names (`key: type`) is known. -#}
{% macro check_event_type(place, key, type) %}
    {% if type not in known_event_types() + (event_type_aliases().keys() | list) %}
        {% do offer_ai.refuse(place, '`' ~ key ~ ': ' ~ type ~ '` is none of the event types: '
            ~ known_event_types() | join(', ')) %}
    {% endif %}
{% endmacro %}

{#- Checks event_fields and the aliases. -#}
{% macro check_fields() %}
    {% set types = offer_ai.field_types() %}
    {% if var('event_fields') is not mapping %}
        {% do offer_ai.refuse('event_fields', 'is no mapping of a field to its type') %}
    {% endif %}
    {% for field, spec in var('event_fields').items() %}
        {% set place = 'event_fields, ' ~ field %}
        {% do offer_ai.check_keys(
            place, spec, ['type', 'description', 'required', 'of', 'as'], ['type']) %}
        {% if spec.type not in types %}
            {% do offer_ai.refuse(
                place, "type '" ~ spec.type ~ "' is none of " ~ types | join(', ')) %}
        {% elif spec.required is defined and spec.required is not boolean %}
            {% do offer_ai.refuse(place, '`required: ' ~ spec.required ~ '` is neither true nor false') %}
        {% endif %}
        {% for type in offer_ai.owners(spec) %}
            {% do offer_ai.check_event_type(place, 'of', type) %}
        {% endfor %}
        {% if (spec.as or field) | lower in offer_ai.own_columns()
            or field.endswith('_text') and field[:-5] in var('event_fields') %}
            {% do offer_ai.refuse(place, "'" ~ (spec.as or field) ~ "' is what a column beside the fields is "
                ~ 'called: choose another name') %}
        {% endif %}
        {% for name in offer_ai.accepted_names(field, offer_ai.field_aliases()) if name | lower in offer_ai.own_columns() %}
            {% do offer_ai.refuse('field_aliases, ' ~ field, "'" ~ name ~ "' is what a column beside the fields is "
                ~ "called: write it as '$." ~ name ~ "'") %}
        {% endfor %}
    {% endfor %}
    {% for field, column in {'event_id': 'event_type', 'event_time': none, 'customer_identifier': 'user_id',
            'session_id': none, 'event_uuid': none}.items() %}
        {% if field not in var('event_fields') %}
            {% do offer_ai.refuse('event_fields', '`' ~ field ~ '` is missing: models read it of every event') %}
        {% elif var('event_fields')[field].get('as') != column %}
            {% do offer_ai.refuse('event_fields, ' ~ field, 'models read it ' ~ ('`as: ' ~ column ~ '`' if column
                else 'by this name, without `as`')) %}
        {% endif %}
    {% endfor %}
    {% for field in var('field_aliases') or {} if field not in var('event_fields') %}
        {% do offer_ai.refuse('field_aliases', "'" ~ field ~ "' is no field of event_fields: "
            ~ var('event_fields').keys() | join(', ')) %}
    {% endfor %}
    {% do offer_ai.raw_tree() %}
{% endmacro %}

{#- What lies beside the fields of a line while it lands, and of an event after, a list of columns. -#}
{% macro own_columns() %}
    {{ return(['file_id', 'landed_at', 'read_path', 'read_ordinal', 'raw_line', 'event_key', 'is_rejected',
        'is_erased', 'reject_reason']) }}
{% endmacro %}

{#- The types that a field can have, as a list. -#}
{% macro field_types() %}
    {{ return(['text', 'id', 'uuid', 'boolean', 'integer', 'number', 'timestamp', 'money', 'probability']) }}
{% endmacro %}

{#- Checks the session split, but for columns that its SQL reads of an event itself. -#}
{% macro check_split() %}
    {% set split, columns = offer_ai.session_split(), offer_ai.event_columns() %}
    {% set order_by = split.order_by or [] %}
    {% set read = [split.by] if split.by else [order_by] if order_by is string else order_by %}
    {% for column in read if column not in columns %}
        {% do offer_ai.refuse('session_split', "'" ~ column ~ "' is no column of an event: "
            ~ columns | join(', ')) %}
    {% endfor %}
    {% for column in modules.re.findall('(?i)\\bprevious[.](\\w+)', split.split_on or '')
        if column | lower not in columns %}
        {% do offer_ai.refuse('session_split', "'previous." ~ column ~ "' is no column of an event: "
            ~ columns | join(', ')) %}
    {% endfor %}
{% endmacro %}

{#- Checks entries of `features`, `labels` or `session_measures` (`kind`). -#}
{% macro check_entries(kind, entries) %}
    {% set types = ['string', 'boolean', 'bigint', 'integer', 'int', 'double', 'float',
        'decimal(38, 4)', 'timestamp', 'date', 'varchar', 'text', 'tinyint', 'smallint', 'hugeint', 'real'] %}
    {% set taken = offer_ai.taken_columns() %}
    {% set names = [] if kind != 'labels' else var('features') | map(attribute='name') | list %}
    {% if kind == 'session_measures' %}{% do names.extend(offer_ai.shipped_measures()) %}{% endif %}
    {% if entries is string or entries is mapping or entries is not iterable %}
        {% do offer_ai.refuse(kind, 'is no list of entries, each with name, description, data_type, config') %}
    {% endif %}
    {% for entry in entries %}
        {% set place = kind ~ ', ' ~ (entry.name if entry is mapping and entry.name else 'entry ' ~ loop.index) %}
        {% do offer_ai.check_keys(place, entry, ['name', 'data_type', 'description', 'config',
            'constraints', 'data_tests', 'tests', 'tags', 'quote', 'meta'], ['name', 'data_type', 'config']) %}
        {% set data_type = entry.data_type | string | lower %}
        {% if not modules.re.fullmatch('[a-z_][a-z0-9_]*', entry.name | string) %}
            {% do offer_ai.refuse(place, 'a name is lower-case letters, digits and underscores') %}
        {% elif entry.name in taken or entry.name in names %}
            {% do offer_ai.refuse(place, 'is the name of another column: choose another') %}
        {% elif not (data_type in types or modules.re.fullmatch('(decimal|numeric) *[(] *\\d+ *, *\\d+ *[)]', data_type)) %}
            {% do offer_ai.refuse(place, "data_type '" ~ entry.data_type ~ "' is none of " ~ types | join(', ')) %}
        {% endif %}
        {% do names.append(entry.name) %}
        {% do offer_ai.check_keys(place ~ ', config', entry.config, ['meta', 'tags'], ['meta']) %}
        {% do offer_ai.check_meta(kind, place, entry) %}
    {% endfor %}
{% endmacro %}

{#- Checks how an entry is computed. -#}
{% macro check_meta(kind, place, entry) %}
    {% set meta = entry.config.meta %}
    {% set keys = {
        'features': {
            'over': ['over', 'before', 'after', 'aggregate', 'if_none', 'encode'],
            'as_of': ['as_of', 'value', 'encode'], 'from_anchor': ['from_anchor', 'encode']},
        'labels': {'over': ['over', 'after', 'aggregate', 'if_none', 'part_of']},
        'session_measures': {'aggregate': ['aggregate']}}[kind] %}
    {% set ways = keys.keys() | select('in', meta) | list if meta is mapping else [] %}
    {% if ways | length != 1 %}
        {% do offer_ai.check_keys(place, meta, keys.values() | sum(start=[]) | unique | list) %}
        {% do offer_ai.refuse(place, 'needs ' ~ ('one of ' if keys | length > 1) ~ keys.keys() | join(', ')
            ~ ', and has ' ~ (ways | join(' and ') or 'none')) %}
    {% endif %}
    {% set way = ways[0] %}
    {% set side = 'before' if kind == 'features' and 'after' not in meta else 'after' %}
    {% if 'before' in meta and kind == 'labels' %}
        {% do offer_ai.refuse(place, 'a label looks ahead, with `after`: `before` is for features') %}
    {% elif 'before' in meta and 'after' in meta %}
        {% do offer_ai.refuse(place, 'has `before` and `after`: a window is one of them') %}
    {% elif 'after' in meta and kind == 'features' %}
        {% do exceptions.warn('dbt_project.yml, ' ~ place ~ ': looks ahead, with `after`: what learns '
            ~ 'from it knows the future. Labels look ahead, features back, with `before`.') %}
    {% endif %}
    {% do offer_ai.check_keys(place, meta, keys[way], {
        'over': [side, 'aggregate'], 'as_of': ['value'], 'from_anchor': [], 'aggregate': []}[way]) %}
    {% if way == 'over' %}
        {% do offer_ai.check_window(place, meta[side], side, ['count', 'hour', 'day'] if kind == 'features' else ['hour', 'day']) %}
    {% elif way == 'from_anchor' %}
        {% do offer_ai.check_from_anchor(place, entry) %}
    {% endif %}
    {% for key in [way, 'aggregate', 'value'] if key in meta and meta[key] is not string %}
        {% do offer_ai.refuse(place, '`' ~ key ~ ': ' ~ meta[key] ~ '` is no text') %}
    {% endfor %}
    {% if way in ['over', 'as_of'] %}
        {% do offer_ai.check_relation(place, way, meta[way]) %}
    {% endif %}
    {% set encodings = ['age_in_days', 'hour_of_day', 'day_of_week'] %}
    {% if meta.encode and entry.data_type not in ('timestamp', 'date') %}
        {% do offer_ai.refuse(place, '`encode` is for a timestamp or a date, and it is of type ' ~ entry.data_type) %}
    {% elif meta.if_none is defined and entry.data_type in ('timestamp', 'date') %}
        {% do offer_ai.refuse(place, '`if_none` is for numbers, text and booleans: no time stands for none') %}
    {% elif meta.if_none is none %}
        {% do offer_ai.refuse(place, '`if_none` names no value: leave it out where an empty window is null') %}
    {% elif meta.encode and meta.encode not in encodings %}
        {% do offer_ai.refuse(place, "`encode: " ~ meta.encode ~ "` is none of " ~ encodings | join(', ')) %}
    {% elif meta.part_of and meta.part_of not in var('labels') | map(attribute='name') %}
        {% do offer_ai.refuse(place, "`part_of: " ~ meta.part_of ~ "` is none of the labels: "
            ~ var('labels') | map(attribute='name') | join(', ')) %}
    {% elif meta.part_of and meta.if_none is not defined %}
        {% do offer_ai.refuse(place, 'is `part_of` a label and says nothing of an empty window: what is known of '
            ~ 'a label is what `if_none` says then, such as `if_none: 0`') %}
    {% endif %}
{% endmacro %}

{#- Checks a window, `{unit: size}` with one of these units. -#}
{% macro check_window(place, window, side, units) %}
    {% set possible = [] %}
    {% for unit in units %}{% do possible.append('{' ~ unit ~ ': n}') %}{% endfor %}
    {% set possible = '`' ~ side ~ '` as one of ' ~ possible | join(', ') %}
    {% if window is not mapping or window | length != 1 %}
        {% do offer_ai.refuse(place, 'needs ' ~ possible ~ ', and has ' ~ window) %}
    {% endif %}
    {% set unit, size = (window.items() | list)[0] %}
    {% if unit not in units %}
        {% do offer_ai.refuse(place, 'needs ' ~ possible ~ ", and '" ~ unit ~ "' is no unit of them"
            ~ (', as a label needs a time at which it is mature' if side == 'after' and unit == 'count')) %}
    {% elif size is not integer or size is boolean or size < 1 %}
        {% do offer_ai.refuse(place, 'needs ' ~ possible ~ ', and n is a whole number from 1, not ' ~ size) %}
    {% endif %}
{% endmacro %}

{#- Checks a feature that is given with the request: what its field is, and what may become of it. -#}
{% macro check_from_anchor(place, entry) %}
    {% set field = entry.config.meta.from_anchor %}
    {% set spec = var('event_fields').get(field) %}
    {% set possible = {'text': ['string'], 'number': ['double'], 'integer': ['bigint', 'double'],
        'boolean': ['boolean'], 'money': ['decimal(38, 4)', 'decimal(22, 4)'],
        'timestamp': ['timestamp', 'date']} %}
    {% if not spec %}
        {% do offer_ai.refuse(place, "`from_anchor: " ~ field ~ "` is no field of event_fields: "
            ~ var('event_fields').keys() | join(', ')) %}
    {% elif field in offer_ai.decided_fields() %}
        {% do offer_ai.refuse(place, "`from_anchor: " ~ field
            ~ "` is what the decision itself says, or what came of it: choose another field") %}
    {% elif spec.type not in possible %}
        {% do offer_ai.refuse(place, "`from_anchor: " ~ field ~ "` is of type " ~ spec.type
            ~ ", and a feature is read from " ~ possible.keys() | join(', ')) %}
    {% elif entry.data_type not in possible[spec.type] %}
        {% do offer_ai.refuse(place, 'data_type ' ~ entry.data_type ~ ' does not hold the field ' ~ field
            ~ ' of type ' ~ spec.type ~ ': ' ~ offer_ai.one_of(possible[spec.type]) ~ ' does') %}
    {% endif %}
{% endmacro %}
