"""Off-policy estimates on the warehouse's rows, against what the simulated world knows."""

import subprocess
import sys

import duckdb
import numpy as np

from off_policy import Logged, estimates
from policies import candidates, epsilon_greedy, index_of
from warehouse import ROOT, dbt

GROUPS, USERS, FITTED = 100, 60, 1000

ROWS = """
select
    user_id, country, offer_type, offer_price, propensity, next_week_purchase_amount,
    worth
from marts.training_offers
inner join (
    select user_id, list(expected_week_revenue order by place) as worth
    from read_parquet('{truth}')
    inner join (
        select offer_type, offer_price, row_number() over () as place
        from seeds.offer_candidates
    ) using (offer_type, offer_price)
    group by user_id
) using (user_id)
where is_label_mature and country is not null
order by offer_id
"""


def test_intervals_cover_what_the_world_knows(tmp_path):
    """A policy that some players taught, valued on 100 groups of others: 95 % intervals
    hold what the policy earns in this world at least 90 times."""
    subprocess.run(
        [sys.executable, ROOT / "scripts" / "simulate.py", "--out", tmp_path,
         "--users", str(FITTED + GROUPS * USERS)], check=True, capture_output=True)
    dbt("seed", events=tmp_path / "events", database=tmp_path / "w.duckdb")
    dbt("run", events=tmp_path / "events", database=tmp_path / "w.duckdb")
    with duckdb.connect(str(tmp_path / "w.duckdb"), read_only=True) as con:
        table = con.execute(ROWS.format(truth=tmp_path / "truth.parquet")).fetchnumpy()
    offers = candidates()
    action = index_of(offers, table["offer_type"], table["offer_price"])
    worth = np.stack(table["worth"])
    reward = np.asarray(table["next_week_purchase_amount"], float)
    _, country = np.unique(table["country"].astype(str), return_inverse=True)
    _, user = np.unique(table["user_id"].astype(str), return_inverse=True)

    taught = user < FITTED
    model = np.zeros((country.max() + 1, len(offers)))
    for where in range(len(model)):
        for offer in range(len(offers)):
            model[where, offer] = reward[
                taught & (country == where) & (action == offer)].mean()
    chances = epsilon_greedy(model, 0.3)[country]
    at = np.arange(len(action)), action
    logged = Logged(reward, np.asarray(table["propensity"], float), chances[at],
                    model[country, action], (chances * model[country]).sum(axis=1), user)
    value = (chances * worth).sum(axis=1)[~taught].mean()

    covered = dict.fromkeys(("ips", "snips", "dr"), 0)
    for group in range(GROUPS):
        of_group = (user - FITTED) // USERS == group
        found = estimates(
            Logged(*(values[of_group] for values in vars(logged).values())), group, 400)
        for name in covered:
            covered[name] += found[name].low <= value <= found[name].high
    everyone = estimates(Logged(*(values[~taught] for values in vars(logged).values())), 1, 400)
    assert min(covered.values()) >= 90, (covered, value, everyone)
    assert everyone["dr"].low <= value <= everyone["dr"].high
