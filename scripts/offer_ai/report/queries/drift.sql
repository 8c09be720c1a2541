select
    day - getvariable('first_day') as day,
    feature,
    policy_version,
    offers,
    null_share,
    reference_null_share,
    population_stability_index,
    unseen_share,
    has_drifted
from drift
where day >= getvariable('first_day')
order by all
