"""The lift of users by arm, and the policies' values, over decisions whose truth is known.

The tables that the marts read are replaced by simulated ones, so that many worlds are one query.
`OFFER_AI_DECISIONS=1000000` prints the seconds of policy_evaluation over as many decisions.
"""

import math
import os
import time

import duckdb
import pytest
from scipy import stats

from built import build, dbt, write_events
from offer_ai.learning.intervals import interval_of, unskewed

WORLDS = 100
DECISIONS = int(os.environ.get("OFFER_AI_DECISIONS", "20000"))

# 2,000 users of each world, three decisions each; a fifth is in the holdout. The first
# decision's week earns 2 on average in the holdout and 0.4 more under the policy, most users
# nothing; a user who spends once spends in all three weeks.
ARMS = """
create or replace table staging.stg_decisions as
with users as (
    select
        'world-' || world as policy_in_place,
        world || '-' || number as user_id,
        number,
        case when random() < 0.2 then 'holdout' else 'policy' end as arm,
        case when random() < 0.5 then -4 * ln(1 - random()) else 0 end as purse
    from range({worlds}) as worlds (world), range(2000) as numbers (number)
)
select
    user_id || '-' || step as offer_id,
    user_id,
    policy_in_place as policy_version,
    policy_in_place,
    arm,
    cast(null as varchar) as candidates,
    'x' as offer_type,
    cast(null as varchar) as target_policy_version,
    cast(null as varchar) as target_offer_type,
    cast(1 as decimal(22, 4)) as offer_price,
    cast(null as decimal(22, 4)) as target_offer_price,
    0.5 as propensity,
    {share} as holdout_share,
    cast(null as double) as target_propensity,
    purse + case when arm = 'policy' then 0.4 else 0 end as target_predicted,
    cast(null as double) as target_value,
    timestamp '2025-01-01' + interval 1 day * (number % 10 + step) as event_time
from users, range(3) as steps (step);

create or replace table anchors.offer_labels as
select
    offer_id,
    cast(target_predicted as decimal(38, 4)) as next_week_purchase_amount,
    event_time + interval 7 day as label_matures_at
from staging.stg_decisions
"""
ASKED = """
create or replace table staging.stg_decisions as
select
    md5(number::varchar) as offer_id,
    md5((number % (1 + {decisions} * 2 // 5))::varchar) as user_id,
    'p' as policy_version,
    'm' as policy_in_place,
    'policy' as arm,
    cast(null as varchar) as candidates,
    'x' as offer_type,
    'm' as target_policy_version,
    'x' as target_offer_type,
    cast(1 as decimal(22, 4)) as offer_price,
    cast(1 as decimal(22, 4)) as target_offer_price,
    0.5 as propensity,
    0.0 as holdout_share,
    random() as target_propensity,
    random() as target_predicted,
    random() as target_value,
    timestamp '2025-01-01' + interval 1 second * number as event_time
from range({decisions}) as numbers (number);

create or replace table anchors.offer_labels as
select
    offer_id,
    cast(case when random() < 0.1 then 20 * random() else 0 end as decimal(38, 4))
        as next_week_purchase_amount,
    event_time + interval 7 day as label_matures_at
from staging.stg_decisions
"""


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory):
    """A built warehouse and a function that replaces what the marts read in it."""
    folder = tmp_path_factory.mktemp("lift")
    write_events(folder / "e.ndjson", {})
    build(folder / "e.ndjson", folder / "w.duckdb")

    def replaced(statements: str):
        con = duckdb.connect(str(folder / "w.duckdb"))
        con.execute("select setseed(0.5)")
        con.execute("create or replace view sessions.watermark as "
                    "select timestamp '2030-01-01' as watermark_at")
        con.execute(statements)
        return con

    return folder, replaced


def verdict(folder, test: str) -> str:
    results = dbt("test", "--select", test, events=folder / "e.ndjson",
                  database=folder / "w.duckdb")
    return {result.node.name: result.status for result in results}[test]


def test_lift_covers_the_truth(warehouse):
    """95 % intervals of revenue per user and of the lift hold what the world knows, 90 times of
    100; a user who is decided for three times counts once."""
    folder, replaced = warehouse
    with replaced(ARMS.format(worlds=WORLDS, share=0.2)) as con:
        last = con.execute("""
            select * from marts.policy_lift where policy_version <> 'all-promoted'
            qualify day = max(day) over (partition by policy_version)""").fetchdf()
        together = con.execute("""
            select arm, users from marts.policy_lift where policy_version = 'all-promoted'
            qualify day = max(day) over ()""").fetchall()
        days = con.execute("select count(distinct day) from marts.policy_lift").fetchone()
        firsts = con.execute("from anchors.arm_decisions where is_first").fetchdf()
    policy, holdout = (last[last.arm == arm] for arm in ("policy", "holdout"))
    assert days == (12,)
    assert len(policy) == len(holdout) == WORLDS
    assert policy.users.sum() + holdout.users.sum() == 2000 * WORLDS
    assert dict(together) == {"policy": policy.users.sum(), "holdout": holdout.users.sum()}
    assert policy.decisions.sum() == 3 * policy.users.sum()
    assert last.warnings.isna().mean() > 0.9
    for rows, low, high, truth in (
            (policy, "lift_low", "lift_high", 0.4),
            (policy, "revenue_per_user_low", "revenue_per_user_high", 2.4),
            (holdout, "revenue_per_user_low", "revenue_per_user_high", 2.0)):
        held = ((rows[low] <= truth) & (truth <= rows[high])).sum()
        assert 90 <= held < 100, (low, held)
    assert verdict(folder, "arms_have_their_shares") == "pass"
    for row in last.itertuples():
        told = (row.revenue_per_user, row.lift, row.revenue_per_user_low,
                row.revenue_per_user_high, row.lift_low, row.lift_high)
        assert told == pytest.approx(row_of(firsts, row), rel=1e-3, nan_ok=True)


def row_of(firsts, row) -> tuple[float, ...]:
    """What a row of the last day is to say, from the first decisions of all its users: the mean,
    the lift, and the ends of their intervals. The lift's is after Welch, as the mart's is."""
    of_arm = {arm: firsts[(firsts.policy_version == row.policy_version) & (firsts.arm == arm)
                          ].revenue.to_numpy() for arm in ("policy", "holdout")}
    means = {arm: values.mean() for arm, values in of_arm.items()}
    moved = {arm: (values - means[arm]) / len(values) for arm, values in of_arm.items()}
    found = {arm: interval_of(means[arm], moved[arm]) for arm in of_arm}
    own = found[row.arm]
    if row.arm == "holdout":
        return own.value, math.nan, own.low, own.high, math.nan, math.nan
    lift = own.value - found["holdout"].value
    error = math.hypot(own.error, found["holdout"].error)
    df = error**4 / sum(one.error**4 / one.degrees_of_freedom for one in found.values())
    t = stats.t.ppf(0.975, df)
    g = ((moved["policy"]**3).sum() - (moved["holdout"]**3).sum()) / error**3
    return (own.value, lift, own.low, own.high, lift - error * unskewed(t, g),
            lift - error * unskewed(-t, g))


def test_a_wrong_share_of_the_holdout_warns(warehouse):
    folder, replaced = warehouse
    replaced(ARMS.format(worlds=1, share=0.3)).close()
    assert verdict(folder, "arms_have_their_shares") == "warn"


def test_the_seconds_of_an_evaluation(warehouse, capsys):
    """Of 2 users for every 5 decisions; a million may take a second on two idle cores."""
    _, replaced = warehouse
    with replaced(ASKED.format(decisions=DECISIONS)) as con:
        began, before = time.perf_counter(), os.times()
        (row,) = con.execute("from marts.policy_evaluation").fetchdf().to_dict("records")
        seconds, after = time.perf_counter() - began, os.times()
    with capsys.disabled():
        print(f"policy_evaluation of {DECISIONS:,} decisions: {seconds:.2f} s, "
              f"{after.user + after.system - before.user - before.system:.2f} s of processors")
    assert row["decisions"] == DECISIONS
    assert row["dr_low"] < row["dr_value"] < row["dr_high"]
    assert row["warnings"] is None


SHARES = """
create or replace table staging.stg_decisions as
select * replace (
    '[{{"offer_type": "x", "offer_price": "1.0", "probability": 0.5}}, '
    || '{{"offer_type": "y", "offer_price": "1", "probability": 0.5}}]' as candidates,
    case when random() < {share} then 'x' else 'y' end as offer_type)
from staging.stg_decisions
"""


@pytest.mark.parametrize(("share", "said"), [(0.5, "pass"), (0.52, "warn")])
def test_offers_are_made_as_often_as_said(warehouse, share, said):
    folder, replaced = warehouse
    replaced(ASKED.format(decisions=20_000) + ";" + SHARES.format(share=share)).close()
    assert verdict(folder, "offers_are_made_as_often_as_said") == said
