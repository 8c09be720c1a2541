select
    user_id,
    country,
    facebook_connected,
    valid_from,
    lead(valid_from) over (
        partition by user_id order by valid_from
    ) as valid_to
from {{ ref('profile_changes') }}
