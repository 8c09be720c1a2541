{{ config(severity='warn') }}
select * from ({{ lines_not_built() }}) as not_built
where rejected_count > {{ var('most_rejects').warn }} * line_count
