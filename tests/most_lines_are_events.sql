select * from ({{ lines_not_built() }}) as not_built
where
    line_count >= 1000
    and rejected_count > {{ var('most_rejects').fail }} * line_count
