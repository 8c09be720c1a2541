select
    split_part(reason, ':', 1) as reason,
    count(*) as lines
from landing.rejected_events
group by all
order by lines desc, reason
limit 15
