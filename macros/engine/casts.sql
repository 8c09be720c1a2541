{#- Reading scalars from text. Null where the text cannot be read. -#}

{#- `value` cast to a type, null where it cannot be. -#}
{% macro try_to(type, value) -%}
    try_cast({{ value }} as {{ type }})
{%- endmacro %}

{#-
ISO 8601 text to a UTC timestamp: `T` or a space, optional seconds, fraction and
offset. Without an offset the time is UTC.
-#}
{% macro to_utc_timestamp(value) -%}
    {{ return(adapter.dispatch('to_utc_timestamp')(value)) }}
{%- endmacro %}

{#-
The plain 19-character form is cast directly: a zoned cast of every row is
four times as slow.
-#}
{% macro duckdb__to_utc_timestamp(value) -%}
    case
        when length({{ value }}) = 19 and substr({{ value }}, 17, 1) = ':'
            then try_cast({{ value }} as timestamp)
        when regexp_full_match(
            {{ value }},
            '\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d([.,]\d+)?)?( ?([Zz]|[+-]\d\d(:?\d\d)?))?)?'
        )
            then cast(try_cast(
                regexp_replace(
                    replace(upper({{ value }}), ',', '.'),
                    '^(.{10}[T ]\d\d:\d\d)([Z+ -].*)?$', '\1:00\2'
                ) as timestamptz
            ) as timestamp)
    end
{%- endmacro %}

{#- Spark wants the offset as +hh:mm, and seconds to be there. -#}
{% macro spark__to_utc_timestamp(value) -%}
    case
        when {{ value }} rlike
            '^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?( ?([Zz]|[+-][0-9]{2}(:?[0-9]{2})?))?)?$'
            then try_cast(
                regexp_replace(
                    regexp_replace(
                        regexp_replace(
                            replace(replace(upper({{ value }}), ',', '.'), ' ', 'T'),
                            'T([Z+-])', '$1'
                        ),
                        '^(.{10}T[0-9]{2}:[0-9]{2})([Z+-].*)?$', '$1:00$2'
                    ),
                    '(T.*[+-][0-9]{2}):?([0-9]{2})$', '$1:$2'
                ) as timestamp
            )
    end
{%- endmacro %}

{#- A whole number; one with a fraction is rounded. -#}
{% macro to_integer(value) -%}
    {{ return(adapter.dispatch('to_integer')(value)) }}
{%- endmacro %}

{% macro duckdb__to_integer(value) -%}
    {{ try_to('bigint', value) }}
{%- endmacro %}

{#- Spark reads no `7.0` as an integer. -#}
{% macro spark__to_integer(value) -%}
    coalesce(
        {{ try_to('bigint', value) }},
        {{ try_to('bigint', 'round(' ~ try_to('decimal(38, 10)', value) ~ ')') }}
    )
{%- endmacro %}

{#- The money type: four decimals, the most that any ISO 4217 currency has. -#}
{% macro money_type() -%}
    decimal(22, 4)
{%- endmacro %}

{#- Plain or exponent notation to exact money; null when that would round. -#}
{% macro to_money(value) -%}
    case
        when {{ matches(value, '[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?') }}
            and {{ try_to('decimal(38, 16)', value) }}
            = {{ try_to(money_type(), value) }}
            then {{ try_to(money_type(), value) }}
    end
{%- endmacro %}

{#- A number from 0 to 1. -#}
{% macro to_probability(value) -%}
    case
        when {{ try_to('double', value) }} between 0 and 1
            then {{ try_to('double', value) }}
    end
{%- endmacro %}

{#- JSON, numeric and text forms of a boolean. -#}
{% macro to_boolean(value) -%}
    case
        when {{ value }} in ('true', '1', 'True', 'TRUE', '1.0') then true
        when {{ value }} in ('false', '0', 'False', 'FALSE', '0.0') then false
    end
{%- endmacro %}

{#- Whether the whole of `value` matches a regular expression. -#}
{% macro matches(value, pattern) -%}
    {{ return(adapter.dispatch('matches')(value, pattern)) }}
{%- endmacro %}

{% macro duckdb__matches(value, pattern) -%}
    regexp_full_match({{ value }}, '{{ pattern }}')
{%- endmacro %}

{#- Spark has `rlike`, which looks for a match anywhere. -#}
{% macro spark__matches(value, pattern) -%}
    {{ value }} rlike '^({{ pattern }})$'
{%- endmacro %}
