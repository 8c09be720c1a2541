{#- The lines of files that no build has gone through with yet, as a query of two counts. -#}
{% macro lines_not_built() -%}
    select
        coalesce(sum(line_count), 0) as line_count,
        coalesce(sum(rejected_count), 0) as rejected_count
    from {{ ref('landed_files') }}
    where file_id > {{ last_built_file_of_landing() }}
{%- endmacro %}
