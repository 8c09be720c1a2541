{#- Time arithmetic in whole microseconds, which both engines do alike. -#}

{#- Microseconds since 1970 of a UTC timestamp, as a bigint. -#}
{% macro microseconds(timestamp) -%}
    {{ return(adapter.dispatch('microseconds', 'offer_ai')(timestamp)) }}
{%- endmacro %}

{% macro duckdb__microseconds(timestamp) -%}
    epoch_us({{ timestamp }})
{%- endmacro %}

{#- Spark names it otherwise. -#}
{% macro spark__microseconds(timestamp) -%}
    unix_micros({{ timestamp }})
{%- endmacro %}

{#- Whole hours since 1970 of a UTC timestamp, as a bigint. -#}
{% macro hours_since_1970(timestamp) -%}
    {{ return(adapter.dispatch('hours_since_1970', 'offer_ai')(timestamp)) }}
{%- endmacro %}

{% macro duckdb__hours_since_1970(timestamp) -%}
    (epoch_us({{ timestamp }}) // 3600000000)
{%- endmacro %}

{#- In Spark `//` is no operator. -#}
{% macro spark__hours_since_1970(timestamp) -%}
    (unix_micros({{ timestamp }}) div 3600000000)
{%- endmacro %}

{#- The UTC timestamp of microseconds since 1970. -#}
{% macro from_microseconds(microseconds) -%}
    {{ return(adapter.dispatch('from_microseconds', 'offer_ai')(microseconds)) }}
{%- endmacro %}

{% macro duckdb__from_microseconds(microseconds) -%}
    make_timestamp({{ microseconds }})
{%- endmacro %}

{#- Spark names it otherwise. -#}
{% macro spark__from_microseconds(microseconds) -%}
    timestamp_micros({{ microseconds }})
{%- endmacro %}

{#- Microseconds in `count` units (`hour` or `day`), as a whole number. -#}
{% macro unit_microseconds(unit, count) -%}
    {{ return(({'hour': 3600, 'day': 86400}[unit] * 1000000 * count) | int) }}
{%- endmacro %}

{#- The present, as a UTC timestamp. -#}
{% macro utc_now() -%}
    {{ return(adapter.dispatch('utc_now', 'offer_ai')()) }}
{%- endmacro %}

{% macro duckdb__utc_now() -%}
    cast(now() at time zone 'UTC' as timestamp)
{%- endmacro %}

{#- The session is in UTC. -#}
{% macro spark__utc_now() -%}
    current_timestamp()
{%- endmacro %}

{#- When this build started, as a UTC timestamp. -#}
{% macro build_started_at() -%}
    cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f") }}' as timestamp)
{%- endmacro %}

{#- The date so many days before another. -#}
{% macro days_before(date, count) -%}
    {{ return(adapter.dispatch('days_before', 'offer_ai')(date, count)) }}
{%- endmacro %}

{% macro duckdb__days_before(date, count) -%}
    ({{ date }} - {{ count }})
{%- endmacro %}

{#- Spark has a function for it. -#}
{% macro spark__days_before(date, count) -%}
    date_sub({{ date }}, {{ count }})
{%- endmacro %}

{#- One row for each day from one to another, both of them too; in a select list. -#}
{% macro days_between(first_day, last_day) -%}
    {{ return(adapter.dispatch('days_between', 'offer_ai')(first_day, last_day)) }}
{%- endmacro %}

{% macro duckdb__days_between(first_day, last_day) -%}
    cast(unnest(generate_series({{ first_day }}, {{ last_day }}, interval 1 day)) as date)
{%- endmacro %}

{#- Spark has no unnest; a sequence that would run backwards is no rows. -#}
{% macro spark__days_between(first_day, last_day) -%}
    explode(case
        when {{ first_day }} <= {{ last_day }} then sequence({{ first_day }}, {{ last_day }})
    end)
{%- endmacro %}

{#- The time zone of the session, by its name. -#}
{% macro time_zone() -%}
    {{ return(adapter.dispatch('time_zone', 'offer_ai')()) }}
{%- endmacro %}

{% macro duckdb__time_zone() -%}
    current_setting('TimeZone')
{%- endmacro %}

{#- Spark names it otherwise. -#}
{% macro spark__time_zone() -%}
    current_timezone()
{%- endmacro %}
