{#- Reading scalars from text. Null where the text cannot be read. -#}

{#- `value` cast to a type, null where it cannot be. -#}
{% macro try_to(type, value) -%}
    try_cast({{ value }} as {{ type }})
{%- endmacro %}

{#-
Text to a UTC timestamp: ISO 8601 with `T` or a space, optional seconds, fraction and
offset (`Z`, `UTC` or hours; without one the time is UTC), or an epoch number in seconds,
milliseconds or microseconds, told apart by magnitude (below 1e11, 1e14, above).
-#}
{% macro to_utc_timestamp(value) -%}
    {{ return(adapter.dispatch('to_utc_timestamp', 'offer_ai')(value)) }}
{%- endmacro %}

{#-
The plain 19-character form is cast directly: a zoned cast of every row is
four times as slow.
-#}
{% macro duckdb__to_utc_timestamp(value) -%}
    case
        when
            length({{ value }}) = 19
            and substr({{ value }}, 5, 1) = '-' and substr({{ value }}, 8, 1) = '-'
            and substr({{ value }}, 17, 1) = ':' and substr({{ value }}, 12, 2) <> '24'
            then try_cast({{ value }} as timestamp)
        when regexp_full_match(
            {{ value }},
            '\d{4}-\d\d-\d\d([Tt ]([01]\d|2[0-3]):\d\d(:\d\d([.,]\d+)?)?( ?([Zz]|UTC|[+-]\d\d(:?\d\d)?))?)?'
        )
            then cast(try_cast(
                regexp_replace(
                    regexp_replace(
                        replace(replace(upper({{ value }}), ',', '.'), 'UTC', 'Z'),
                        ' ?(Z|[+-]\d\d(:?\d\d)?)$', '\1'
                    ),
                    '^(.{10}[T ]\d\d:\d\d)([Z+-].*)?$', '\1:00\2'
                ) as timestamptz
            ) as timestamp)
        when {{ offer_ai.is_number_text(value) }}
            then case
                when {{ offer_ai.epoch_microseconds(value) }} between -62135596800000000 and 253402300799999999
                    then make_timestamp({{ offer_ai.epoch_microseconds(value) }})
            end
    end
{%- endmacro %}

{#- Spark wants the offset as +hh:mm, and seconds to be there. -#}
{% macro spark__to_utc_timestamp(value) -%}
    case
        when {{ value }} rlike
            '^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?( ?([Zz]|UTC|[+-][0-9]{2}(:?[0-9]{2})?))?)?\\z'
            then try_cast(
                regexp_replace(
                    regexp_replace(
                        regexp_replace(
                            replace(replace(replace(
                                upper({{ value }}), ',', '.'), 'UTC', 'Z'), ' ', 'T'),
                            'T([Z+-])', '$1'
                        ),
                        '^(.{10}T[0-9]{2}:[0-9]{2})([Z+-].*)?$', '$1:00$2'
                    ),
                    '(T.*[+-][0-9]{2}):?([0-9]{2})$', '$1:$2'
                ) as timestamp
            )
        when {{ offer_ai.is_number_text(value) }}
            then case
                when {{ offer_ai.epoch_microseconds(value) }} between -62135596800000000 and 253402300799999999
                    then timestamp_micros({{ offer_ai.epoch_microseconds(value) }})
            end
    end
{%- endmacro %}

{#- Whether text is a number, plain or with an exponent. -#}
{% macro is_number_text(value) -%}
    {{ offer_ai.matches(value, '[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?') }}
{%- endmacro %}

{#- An epoch number as text, of whichever unit, in microseconds; a bigint. -#}
{% macro epoch_microseconds(value) -%}
    {%- set number = offer_ai.try_to('decimal(38, 9)', value) -%}
    {{ offer_ai.try_to('bigint', "case
                when abs(" ~ number ~ ") < 100000000000 then floor(" ~ number ~ " * 1000000)
                when abs(" ~ number ~ ") < 100000000000000 then floor(" ~ number ~ " * 1000)
                else floor(" ~ number ~ ")
            end") }}
{%- endmacro %}

{#- A whole number; one with a fraction is rounded. -#}
{% macro to_integer(value) -%}
    {{ return(adapter.dispatch('to_integer', 'offer_ai')(value)) }}
{%- endmacro %}

{% macro duckdb__to_integer(value) -%}
    {{ offer_ai.try_to('bigint', value) }}
{%- endmacro %}

{#- Spark reads no `7.0` as an integer. -#}
{% macro spark__to_integer(value) -%}
    coalesce(
        {{ offer_ai.try_to('bigint', value) }},
        {{ offer_ai.try_to('bigint', 'round(' ~ offer_ai.try_to('decimal(38, 10)', value) ~ ')') }}
    )
{%- endmacro %}

{#- A number that there is: neither infinite nor NaN, which engines take for greater than any. -#}
{% macro to_number(value) -%}
    case
        when
            {{ offer_ai.try_to('double', value) }}
            between -1.7976931348623157e308 and 1.7976931348623157e308
            then {{ offer_ai.try_to('double', value) }}
    end
{%- endmacro %}

{#- The money type: four decimals, the most that any ISO 4217 currency has. -#}
{% macro money_type() -%}
    decimal(22, 4)
{%- endmacro %}

{#-
A number as text to exact money, rounded half up (away from zero). Digits beyond the
sixteenth decimal are cut first, lest they round twice.
-#}
{% macro to_money(value) -%}
    case
        when {{ offer_ai.is_number_text(value) }}
            then {{ offer_ai.try_to(offer_ai.money_type(), 'round(' ~ offer_ai.try_to('decimal(38, 16)', offer_ai.first_decimals(value)) ~ ', 4)') }}
    end
{%- endmacro %}

{#- A number as text with at most sixteen decimals. -#}
{% macro first_decimals(value) -%}
    {{ return(adapter.dispatch('first_decimals', 'offer_ai')(value)) }}
{%- endmacro %}

{% macro duckdb__first_decimals(value) -%}
    regexp_replace({{ value }}, '([.][0-9]{16})[0-9]+', '\1')
{%- endmacro %}

{#- Spark refers to a group with `$`. -#}
{% macro spark__first_decimals(value) -%}
    regexp_replace({{ value }}, '([.][0-9]{16})[0-9]+', '$1')
{%- endmacro %}

{#-
An id: text that is not blank and none of the words in `no_ids`; of a number its digits, however
many zeros follow its point. What is costly is asked of few: most ids are longer than any word and
neither begin with a space nor end like a number.
-#}
{% macro to_id(value, no_ids=[]) -%}
    {%- set words = [] -%}
    {%- set literals = [] -%}
    {%- for word in no_ids or [] if word is not none and word | string -%}
        {%- do words.append(word | string | lower) -%}
        {%- do literals.append(offer_ai.text_literal(word | string | lower)) -%}
    {%- endfor -%}
    {%- set digits = 'regexp_replace(' ~ value ~ ", '[.]0+$', '')" -%}
    case
        when {{ value }} = '' or {{ value }} like ' %' and trim({{ value }}) = '' then null
        {%- if words %}
        when
            {{ offer_ai.byte_length(value) }} <= {{ 4 * (words | map('length') | max) }}
            and lower({{ value }}) in ({{ literals | join(', ') }})
            then null
        {%- endif %}
        when
            {{ value }} like '%0' and {{ value }} like '%.0%'
            and {{ offer_ai.matches(value, '-?[0-9]+[.]0+') }}
            then
                {%- if words %} case when {{ digits }} not in ({{ literals | join(', ') }}) then {{ digits }} end
                {%- else %} {{ digits }}
                {%- endif %}
        {{- offer_ai.digits_of_large_number(value) }}
        else {{ value }}
    end
{%- endmacro %}

{#- A branch of `to_id` for a number that the engine has put down with an exponent, if it does. -#}
{% macro digits_of_large_number(value) -%}
    {{ return(adapter.dispatch('digits_of_large_number', 'offer_ai')(value)) }}
{%- endmacro %}

{% macro duckdb__digits_of_large_number(value) -%}{%- endmacro %}

{#- Java's way with doubles from ten million on: of JSON's numbers with a fraction, too. -#}
{% macro spark__digits_of_large_number(value) %}
        when {{ offer_ai.matches(value, '-?[0-9][.][0-9]+E[0-9]+') }}
            then coalesce(regexp_replace(
                cast({{ offer_ai.try_to('decimal(38, 10)', value) }} as string), '[.]?0+$', ''
            ), {{ value }})
{%- endmacro %}

{#- The length of text in bytes, which no engine has to count. -#}
{% macro byte_length(value) -%}
    {{ return(adapter.dispatch('byte_length', 'offer_ai')(value)) }}
{%- endmacro %}

{% macro duckdb__byte_length(value) -%}
    strlen({{ value }})
{%- endmacro %}

{#- Spark names it otherwise. -#}
{% macro spark__byte_length(value) -%}
    octet_length({{ value }})
{%- endmacro %}

{#- A universally unique id; one of zeros alone is none, nor is one of `no_ids`. -#}
{% macro to_uuid(value, no_ids=[]) -%}
    case
        when
            substr({{ value }}, 1, 1) in ('0', '{')
            and translate({{ value }}, '0-{} ', '') = ''
            then null
        else {{ offer_ai.to_id(value, no_ids) }}
    end
{%- endmacro %}

{#- A number from 0 to 1. -#}
{% macro to_probability(value) -%}
    case
        when {{ offer_ai.try_to('double', value) }} between 0 and 1
            then {{ offer_ai.try_to('double', value) }}
    end
{%- endmacro %}

{#- JSON, numeric and text forms of a boolean. -#}
{% macro to_boolean(value) -%}
    case
        when {{ value }} = 'true' or {{ value }} = '1' then true
        when {{ value }} = 'false' or {{ value }} = '0' then false
        when lower({{ value }}) = 'true' or {{ value }} = '1.0' then true
        when lower({{ value }}) = 'false' or {{ value }} = '0.0' then false
    end
{%- endmacro %}

{#- Whether the whole of `value` matches a regular expression. -#}
{% macro matches(value, pattern) -%}
    {{ return(adapter.dispatch('matches', 'offer_ai')(value, pattern)) }}
{%- endmacro %}

{% macro duckdb__matches(value, pattern) -%}
    regexp_full_match({{ value }}, '{{ pattern }}')
{%- endmacro %}

{#- Spark has `rlike`, which looks for a match anywhere; `$` is before a last line's end, too. -#}
{% macro spark__matches(value, pattern) -%}
    {{ value }} rlike '^({{ pattern }})\\z'
{%- endmacro %}

{#- Whether `value` holds a match of a regular expression. -#}
{% macro contains_match(value, pattern) -%}
    {{ return(adapter.dispatch('contains_match', 'offer_ai')(value, pattern)) }}
{%- endmacro %}

{% macro duckdb__contains_match(value, pattern) -%}
    regexp_matches({{ value }}, '{{ pattern }}')
{%- endmacro %}

{#- Spark's operator for it. -#}
{% macro spark__contains_match(value, pattern) -%}
    {{ value }} rlike '{{ pattern }}'
{%- endmacro %}
