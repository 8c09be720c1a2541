-- Materialized as dbt itself does, in a full refresh too.
{{ config(materialized='incremental', full_refresh=false) }}
select
    cast(sent_at as date) as day,
    count(*) as messages
from {{ ref('messages') }}
group by 1
