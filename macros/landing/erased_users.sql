{#-
Users who were erased. `scripts/erase.py` keeps a salted hash of each in landing.erased_users;
what lands of them later is dropped and counted.
-#}

{#- The hashes of erased users as the build before left them; none when nobody was erased. -#}
{% macro erased_users() %}
    {{ return(load_cached_relation(landing_relation('erased_users')) if is_executing() else none) }}
{% endmacro %}

{#-
The rows of `events` (a relation, or a query in brackets) with `is_erased`: whether the text in
the column `user` is the id of an erased user.

Example: `select * from (marked_as_erased('validated_events', 'customer_identifier'))`
-#}
{% macro marked_as_erased(events, user) -%}
    {%- set erased_users = erased_users() -%}
    {%- if erased_users is none -%}
    select
        *,
        false as is_erased
    from {{ events }}
    {%- else -%}
    select
        hashed.*,
        erased.user_hash is not null as is_erased
    from (
        select
            *,
            {{ sha256('(select max(salt) from ' ~ erased_users ~ ') || ' ~ user) }} as hashed_user
        from {{ events }}
    ) as hashed
    left join {{ erased_users }} as erased on hashed.hashed_user = erased.user_hash
    {%- endif -%}
{%- endmacro %}

{#- A column of what `marked_as_erased` yields: null in a row of an erased user. -#}
{% macro unless_erased(column) -%}
    {{ return(column if erased_users() is none else 'case when not is_erased then ' ~ column ~ ' end') }}
{%- endmacro %}

{#-
A pre-hook of a full refresh: what an older version landed gets the column that says whether a
line was of an erased user, which none was.
-#}
{% macro take_over_landing() %}
    {% if not (flags.FULL_REFRESH and is_incremental() and is_executing()) or 'is_erased' in
        adapter.get_columns_in_relation(this) | map(attribute='name') %}
        {{ return('select 1') }}
    {% endif %}
    {{ return(add_flag(this, 'is_erased')) }}
{% endmacro %}
