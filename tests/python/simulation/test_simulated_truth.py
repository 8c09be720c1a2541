"""Off-policy estimates on the warehouse's rows, against what the simulated world knows."""

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from built import dbt
from offer_ai.learning.off_policy import Logged, estimates
from offer_ai.learning.policies import epsilon_greedy
from offer_ai.simulation.game import LAUNCH, OFFER, PURCHASE, Game
from offer_ai.simulation.raw_events import as_structs, register_world, write_events, write_truth
from offer_ai.simulation.world import load_candidates

GROUPS, USERS, TAUGHT, DAYS = 100, 40_000, 5_000, 21

ROWS = """
with worth as (
    select
        user_id, offer_type, offer_price,
        row_number() over (partition by user_id order by offer_price, offer_type) - 1 as action,
        list(expected_week_revenue) over (
            partition by user_id order by offer_price, offer_type
            rows between unbounded preceding and unbounded following) as worth
    from read_parquet(?)
)
select
    dense_rank() over (order by md5(user_id)) - 1 as user_rank,
    dense_rank() over (order by country) - 1 as country,
    action, worth, propensity, next_week_purchase_amount as reward
from marts.training_offers
inner join worth using (user_id, offer_type, offer_price)
where is_label_mature
"""


def play(folder) -> None:
    """A world's launches, offers and purchases; games make no difference here."""
    game = Game(USERS, 1, load_candidates())
    (folder / "events").mkdir()
    with duckdb.connect(config={"preserve_insertion_order": True}) as con:
        register_world(con, game, 1)
        write_truth(con, game, folder / "truth.parquet")
        players, offers = as_structs(con, "players", "player"), as_structs(con, "offers", "offer")
        for day in range(DAYS):
            played = game.play_day(day * 86_400 + 1_735_689_600)
            kinds = pa.array([LAUNCH, OFFER, PURCHASE])
            write_events(con, played.filter(pc.is_in(played["type"], kinds)), players, offers,
                         folder / "events" / f"{day}.ndjson")


@pytest.mark.long
def test_intervals_cover_what_the_world_knows(tmp_path):
    """A policy that some players taught, valued on 100 groups of others: 95 % intervals
    hold what the policy earns in this world at least 90 times."""
    play(tmp_path)
    dbt("run", events=tmp_path / "events", database=tmp_path / "w.duckdb")
    with duckdb.connect(str(tmp_path / "w.duckdb"), read_only=True) as con:
        table = con.execute(ROWS, [str(tmp_path / "truth.parquet")]).fetchnumpy()
    user, country, action = (table[name] for name in ("user_rank", "country", "action"))
    reward, worth = np.asarray(table["reward"], float), np.stack(table["worth"])

    taught, shape = user < TAUGHT, (country.max() + 1, worth.shape[1])
    cell = np.ravel_multi_index((country, action), shape)[taught]
    model = (np.bincount(cell, reward[taught], np.prod(shape))
             / np.bincount(cell, minlength=np.prod(shape))).reshape(shape)
    chances, at = epsilon_greedy(model, 0.3)[country], (np.arange(len(action)), action)
    logged = Logged(reward, np.asarray(table["propensity"], float), chances[at],
                    model[country, action], (chances * model[country]).sum(axis=1), user)
    value = (chances * worth).sum(axis=1)[~taught].mean()

    covered = dict.fromkeys(("ips", "snips", "dr"), 0)
    group_of = (user - TAUGHT) * GROUPS // (user.max() + 1 - TAUGHT)
    for group in range(GROUPS):
        found = estimates(Logged(*(
            values[group_of == group] for values in vars(logged).values())))
        for name in covered:
            covered[name] += bool(found[name].low <= value <= found[name].high)
    assert min(covered.values()) >= 90, covered
