{#-
Why lines are rejects, commonest first, in files that no build has gone through with yet, if
their share is beyond `share` and there are `lines` of them or more; a query, for a data test.
-#}
{% macro rejects_beyond(share, lines=0) -%}
    with

    new_files as (
        select
            source_file,
            line_count,
            rejected_count
        from {{ ref('landed_files') }}
        where file_id > {{ last_built_file_of_landing() }}
    ),

    counts as (
        select
            sum(line_count) as line_count,
            sum(rejected_count) as rejected_count
        from new_files
    ),

    {#- What could not be read stands behind the reason. -#}
    reasons as (
        select
            {{ dbt.split_part('reason', "': '", 1) }} as reason,
            count(*) as rejects,
            count(distinct source_file) as file_count,
            min(source_file) as first_file
        from {{ ref('rejected_events') }}
        where source_file in (select source_file from new_files)
        group by {{ dbt.split_part('reason', "': '", 1) }}
    )

    select
        reasons.rejects,
        reasons.reason,
        counts.rejected_count,
        counts.line_count,
        reasons.file_count,
        reasons.first_file
    from counts
    cross join reasons
    where
        counts.line_count >= {{ lines }}
        and counts.rejected_count > {{ share }} * counts.line_count
    order by reasons.rejects desc
{%- endmacro %}
