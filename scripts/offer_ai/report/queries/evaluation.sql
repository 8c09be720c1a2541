select
    policy_version,
    target_policy_version,
    decisions,
    logged_value,
    dr_value,
    difference_value,
    difference_low,
    difference_high,
    warnings
from marts.policy_evaluation
order by all
