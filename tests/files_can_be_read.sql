{{ config(severity='warn') }}
select
    source_file,
    error
from {{ ref('landed_files') }}
where error is not null
