{#- Reducing a list of numbers. -#}

{#-
What becomes of `start` (a bigint) when `step`, SQL over `so_far` and `number`, is applied with
each of `numbers` in order; it may read columns too.
-#}
{% macro fold(numbers, start, step) -%}
    {{ return(adapter.dispatch('fold', 'offer_ai')(numbers, start, step)) }}
{%- endmacro %}

{% macro duckdb__fold(numbers, start, step) -%}
    list_reduce(
        cast([{{ numbers | join(', ') }}] as bigint[]),
        lambda so_far, number: {{ step }},
        cast({{ start }} as bigint)
    )
{%- endmacro %}

{#- Spark names it otherwise. -#}
{% macro spark__fold(numbers, start, step) -%}
    aggregate(
        cast(array({{ numbers | join(', ') }}) as array<bigint>),
        cast({{ start }} as bigint),
        (so_far, number) -> {{ step }}
    )
{%- endmacro %}
