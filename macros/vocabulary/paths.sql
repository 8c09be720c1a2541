{#-
Where in a line a raw name leads. Names are parted by dots (`properties.price`); `[key]`
is the value under a key in an array of keys and values (`event_params[level]`), `[0]` the
first element of an array. A name in double quotes is taken as it is (`"item.price"`).
-#}

{#-
The steps of a raw name: a list of `{by, of}`, `by` one of name, key and place. `field` is
the one it is an alias of.

Example: path_steps('event_params[level]', 'level') is
[{'by': 'name', 'of': 'event_params'}, {'by': 'key', 'of': 'level'}]
-#}
{% macro path_steps(name, field) %}
    {% if not modules.re.search('[."\\[\\]]', name) %}
        {{ return([{'by': 'name', 'of': name}]) }}
    {% endif %}
    {% set segment, key = '(?:"[^"]+"|[^."\\[\\]]+)', '\\[(?:"[^"]+"|[^"\\[\\]]+)\\]' %}
    {% set path = modules.re.sub('^[$][.]', '', name) %}
    {% if not modules.re.fullmatch(
        segment ~ '(?:[.]' ~ segment ~ '|\\[[0-9]+\\])*(?:' ~ key ~ ')?', path) %}
        {% do exceptions.raise_compiler_error(
            "field_aliases: '" ~ name ~ "' of " ~ field ~ ' is no path. Part names with dots '
            ~ '(properties.price); at its end a path may have a key ([level]), anywhere behind '
            ~ 'a name a place ([0]); a name that holds one of . [ ] goes into double quotes.') %}
    {% endif %}
    {% set steps = [] %}
    {% for token in modules.re.findall(key ~ '|' ~ segment, path) %}
        {% set of = modules.re.sub('^\\[|\\]$', '', token) if token[0] == '[' else token %}
        {% do steps.append({
            'by': 'name' if token[0] != '[' else 'place' if modules.re.fullmatch('[0-9]+', of) else 'key',
            'of': of[1:-1] if of[0] == '"' else of}) %}
    {% endfor %}
    {{ return(steps) }}
{% endmacro %}

{#-
What raw names lead through, as a tree: a node is a dict with `is_text` (a raw name ends
there) and one of `names` (name to the node below it), `elements` (the node of an array's
elements) and `has_keys` (an array of keys and values), if any leads on.
-#}
{% macro raw_tree() %}
    {% set root = {'names': {}} %}
    {% for field in var('event_fields') %}
        {% for name in offer_ai.accepted_names(field, offer_ai.field_aliases()) %}
            {% set at = namespace(node=root) %}
            {% for step in offer_ai.path_steps(name, field) %}
                {% set kind = {'name': 'names', 'key': 'has_keys', 'place': 'elements'}[step.by] %}
                {% set others = ['names', 'has_keys', 'elements'] | select('in', at.node) | list %}
                {% if others and others != [kind] %}
                    {% do exceptions.raise_compiler_error(
                        "field_aliases: '" ~ name ~ "' of " ~ field ~ ' leads through what '
                        ~ 'another alias reads as something else: it is an object, an array, '
                        ~ 'or an array of keys and values.') %}
                {% endif %}
                {% if step.by == 'key' %}
                    {% do at.node.update({'has_keys': true}) %}
                {% elif step.by == 'place' %}
                    {% set at.node = at.node.setdefault('elements', {}) %}
                {% else %}
                    {% set names = at.node.setdefault('names', {}) %}
                    {% for other in names if other != step.of and other | lower == step.of | lower %}
                        {% do exceptions.raise_compiler_error(
                            "field_aliases: '" ~ name ~ "' of " ~ field ~ ' differs from another name, '
                            ~ other ~ ', in case alone. Lines are read in whatever case where no name '
                            ~ 'fits as it is written: take one of them out, or write both alike.') %}
                    {% endfor %}
                    {% set at.node = names.setdefault(step.of, {}) %}
                {% endif %}
                {% if loop.last and step.by != 'key' %}{% do at.node.update({'is_text': true}) %}{% endif %}
            {% endfor %}
        {% endfor %}
    {% endfor %}
    {{ return(root) }}
{% endmacro %}

{#- What lies below a node of that tree, as the fields that json_shape takes. -#}
{% macro shape_below(node) %}
    {% if node.has_keys %}
        {{ return([{'key': none, 'value': dict.fromkeys(value_names())}]) }}
    {% elif 'elements' in node.keys() %}
        {{ return([shape_of(node['elements'])]) }}
    {% endif %}
    {% set fields = {} %}
    {% for name, below in node['names'].items() %}{% do fields.update({name: shape_of(below)}) %}{% endfor %}
    {{ return(fields) }}
{% endmacro %}

{#- The same of a node itself: text where a raw name ends, which may hold more. -#}
{% macro shape_of(node) %}
    {{ return(none if node.is_text else shape_below(node)) }}
{% endmacro %}

{#- Where a value may be in an array of keys and values, as GA4 exports them; one is set. -#}
{% macro value_names() %}
    {{ return(['string_value', 'int_value', 'float_value', 'double_value']) }}
{% endmacro %}

{#- What a raw name leads to, a SQL expression over `raw`, a struct of the shape of `tree`. -#}
{% macro raw_value(raw, tree, name) %}
    {% set at = namespace(node=tree, value=raw) %}
    {% for step in path_steps(name, name) %}
        {% if at.node.is_text %}
            {% set at.value = json_struct(at.value, shape_below(at.node)) %}
            {% set at.value = '(' ~ at.value ~ ')' %}
        {% endif %}
        {% if step.by == 'name' %}
            {% set at.value = at.value ~ '.' ~ quoted(step.of) %}
            {% set at.node = at.node['names'][step.of] %}
        {% elif step.by == 'place' %}
            {% set at.value = element_at(at.value, step.of) %}
            {% set at.node = at.node['elements'] %}
        {% else %}
            {% set at.value = first_of(value_of_key(at.value, text_literal(step.of)), value_names()) %}
        {% endif %}
    {% endfor %}
    {{ return(at.value) }}
{% endmacro %}

{#- The first of what raw names lead to that is not null, likewise. -#}
{% macro first_raw_value(raw, tree, names) %}
    {% set values = [] %}
    {% for name in names %}{% do values.append(raw_value(raw, tree, name)) %}{% endfor %}
    {{ return(values[0] if values | length == 1 else 'coalesce(' ~ values | join(', ') ~ ')') }}
{% endmacro %}

{#-
The names of fields in lines, to be told from others by their case: a list of those of the
line itself and one of those in objects below it.
-#}
{% macro names_in_lines() %}
    {% set tree, below, nodes = raw_tree(), [], [] %}
    {% do nodes.extend(tree['names'].values()) %}
    {% for node in nodes %}
        {% for name, deeper in node.get('names', {}).items() %}
            {% do below.append(name) %}
            {% do nodes.append(deeper) %}
        {% endfor %}
        {% if 'elements' in node.keys() %}{% do nodes.append(node['elements']) %}{% endif %}
    {% endfor %}
    {{ return([tree['names'].keys() | list, below | unique(case_sensitive=true) | list]) }}
{% endmacro %}

{#- Whether any raw name leads below a line's own fields; `fields` are those of the tree's shape. -#}
{% macro has_paths(fields) %}
    {{ return(fields.values() | reject('none') | list | length > 0) }}
{% endmacro %}
