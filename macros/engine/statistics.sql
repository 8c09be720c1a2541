{#- Quantiles and draws. -#}

{#- An aggregate: the quantiles of `value` at shares, interpolated, as an array. -#}
{% macro quantiles(value, shares) -%}
    {{ return(adapter.dispatch('quantiles', 'offer_ai')(value, shares)) }}
{%- endmacro %}

{% macro duckdb__quantiles(value, shares) -%}
    quantile_cont({{ value }}, [{{ shares | join(', ') }}])
{%- endmacro %}

{#- Spark names it otherwise. -#}
{% macro spark__quantiles(value, shares) -%}
    percentile({{ value }}, array({{ shares | join(', ') }}))
{%- endmacro %}

{#- A number in [0, 1) that any engine draws alike from text. -#}
{% macro uniform_draw(text) -%}
    {{ return(adapter.dispatch('uniform_draw', 'offer_ai')(text)) }}
{%- endmacro %}

{% macro duckdb__uniform_draw(text) -%}
    cast('0x' || substr(md5({{ text }}), 1, 8) as bigint) / 4294967296
{%- endmacro %}

{#- Spark reads hexadecimal with `conv`. -#}
{% macro spark__uniform_draw(text) -%}
    cast(conv(substr(md5({{ text }}), 1, 8), 16, 10) as bigint) / 4294967296
{%- endmacro %}
