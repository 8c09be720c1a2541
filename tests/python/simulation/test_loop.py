"""The loop, small: what is decided is what the warehouse learns from."""

import json

import duckdb
import numpy as np
import pytest

from commands import run
from offer_ai.base import declarations
from offer_ai.learning import promotions
from offer_ai.simulation.arms import gains_of_week, lift
from offer_ai.simulation.drifting_game import DriftingGame
from offer_ai.simulation.loop import Loop
from offer_ai.simulation.moving_game import ARRIVING, LEAVING
from offer_ai.simulation.report import measure, reference
from offer_ai.simulation.report_page import conclusions
from offer_ai.simulation.world import load_candidates


@pytest.mark.long
def test_a_small_loop(tmp_path):
    said = run("loop", "--players", 1500, "--rounds", 2, "--days", 5, "--holdout-share", 0.1,
               "--peer", "a/b test", "--out", tmp_path)
    assert said.returncode == 0, said.stderr
    (report,) = json.loads((tmp_path / "loop.json").read_text())
    decided = sum(row["decisions"] for row in report["rounds"])
    with duckdb.connect(str(tmp_path / "world-1" / "offer_ai.duckdb"), read_only=True) as con:
        (measured,) = con.execute("""
            select lift from marts.policy_lift
            where policy_version = 'fallback-uniform' and arm = 'policy'
            order by day desc limit 1""").fetchone()
        landed, rejected, unexplained, late = con.execute("""
            select
                (select count(*) from marts.training_offers where decision_id is not null),
                (select count(*) from landing.rejected_events),
                (select count(*) from marts.decision_skew
                    where not is_equal and not is_late_news),
                (select count(*) from marts.decision_skew where is_late_news)""").fetchone()
    assert (landed, rejected, unexplained) == (decided, 0, 0)
    assert late > 0
    first = report["rounds"][0]
    assert first["ours"] == pytest.approx(first["random"], rel=0.15)
    assert all(row["random"] < row["same_features"] < row["oracle"] for row in report["rounds"])
    # Nobody's week is over in the second round; in the first nothing is promoted yet.
    assert first["lift"] == pytest.approx(measured)
    assert first["lift_low"] < first["true_lift"] < first["lift_high"]
    assert abs(first["true_lift"]) < 0.1
    assert report["rounds"][1]["lift"] is None
    assert report["holdout"] == pytest.approx(0.1, abs=0.03)
    assert [row["explored"] for row in report["rounds"]] == [1, 1]
    assert first["total ours"] == pytest.approx(first["ours"] * first["decisions"], rel=0.1)
    assert "In 2 rounds offers earned " in said.stdout
    assert "1 of 1 rounds its 95 % interval holds the truth" in said.stdout
    assert "share of a/b test in the same world in memory, by round: " in said.stdout
    assert len(report["peers"]["a/b test"]) == 2
    judged = [step["step"] for step in promotions.steps(tmp_path / "world-1" / "export" / "models")]
    outcomes = [promotions.PROMOTION, promotions.REFUSAL]  # 1,500 players tell little
    told = [said.stdout.count(f": {outcome}, ") for outcome in outcomes]
    assert told == [judged.count(outcome) for outcome in outcomes] and sum(told)
    assert (tmp_path / "loop.png").read_bytes()[:4] == b"\x89PNG"
    assert "data:image/png;base64," in (tmp_path / "loop.html").read_text()


def test_a_moving_loop(tmp_path, monkeypatch):
    """An offer arrives and one leaves by the file that the service reads; no offer is made that
    is none that day."""
    for name in ("OFFER_AI_EVENTS", "OFFER_AI_DB", "OFFER_AI_EXPORT"):
        monkeypatch.setenv(name, "")  # the loop sets them
    loop = Loop(tmp_path / "world", 600, 1, "moving", 1, 0.05)
    for loop.round in range(1, 9):
        loop.play(1)
    loop.deciders.close()
    decided = loop.decisions
    choice, number = np.array(decided.choice), np.array(decided.round)
    made = {offer: set(number[choice == loop.known.index(offer)].tolist())
            for offer in (ARRIVING, LEAVING)}
    assert made == {ARRIVING: {4, 5, 6, 7, 8}, LEAVING: {1, 2, 3, 4, 5, 6}}
    assert not np.isnan(np.array(decided.worth)[np.arange(len(choice)), choice]).any()
    assert decided.day == [one - 1 for one in decided.round]
    # The reference wants the arrival of none of so few players; of the offer that it wants most
    # the figure is the same.
    second = (number == 5) & ~np.array(decided.is_held)
    wanted = reference(decided, declarations.features())[second]
    common = int(np.bincount(wanted).argmax())
    report = measure(decided, declarations.features(), None, 1, common)
    assert report["new_offer"] == pytest.approx(
        (choice == common)[second].mean() / (wanted == common).mean())
    assert report["back"] is not None
    assert "the new offer in its second round" in "\n".join(conclusions([report]))
    assert abs(report["share"]) < 0.5  # as a random choice, of few decisions
    worth, is_ours = np.array(decided.worth), ~np.array(decided.is_held)
    throughout = [at for at, offer in enumerate(loop.known) if offer not in (ARRIVING, LEAVING)]
    single = max(throughout, key=lambda at: worth[:, at].mean())
    assert [row["single"] for row in report["rounds"]] == pytest.approx([
        worth[is_ours & (number == one), single].mean() for one in range(1, 9)])


@pytest.mark.quick
def test_players_come_and_go():
    """The world keeps its size and is not easy: no offer is right for all."""
    game = DriftingGame(3000, 1, load_candidates())
    worth = []
    for day in range(28):
        game.next_day()
        game.play_day(day * 86_400)
        here = game.is_there
        assert 0.95 < here.sum() / 3000 <= 1
        worth.append((game.accepts * game.offers.price)[here])
    assert len(game.players) > 3500
    worth = np.concatenate(worth)
    assert 0.55 < worth.mean(axis=0).max() / worth.max(axis=1).mean() < 0.75
    assert (game.accepts.max(axis=1) < 0.5).mean() > 0.95


class Decided:
    """Two rounds of decisions in which country tells which of two offers is right."""

    def __init__(self, chosen: str):
        rng = np.random.default_rng(1)
        right = rng.integers(0, 2, 4000)
        self.features = [{"country": "DK" if value else "US"} for value in right]
        self.worth = list(np.where(np.eye(2)[right] == 1, 1.0, 0.2) + rng.random((4000, 1)))
        self.choice = right if chosen == "right" else rng.integers(0, 2, 4000)
        self.player, self.round = np.arange(4000), np.repeat([1, 2], 2000)
        self.policy, self.is_held = ["p"] * 4000, [False] * 4000


@pytest.mark.quick
def test_the_report_by_hand():
    country = [{"name": "country", "data_type": "string"}]
    best, random = (measure(Decided(chosen), country) for chosen in ("right", "random"))
    assert best["share"] == pytest.approx(1, abs=0.05)
    assert random["share"] == pytest.approx(0, abs=0.1)
    last = best["rounds"][-1]
    assert last["oracle"] == pytest.approx(last["ours"]) == pytest.approx(last["same_features"])
    assert last["regret"] == pytest.approx(0)
    assert best["over_single"][1] > 0 and best["last_over_single"][1] > 0
    first = best["rounds"][0]
    assert last["total ours"] == pytest.approx(2000 * (first["ours"] + last["ours"]))
    assert last["total random"] < last["total single"] < last["total ours"]
    assert last["oracle"] - last["single"] == pytest.approx(0.4, abs=0.05)


@pytest.mark.quick
def test_the_lift_by_hand():
    """A player's week from its first decision, of that player alone; and users by arm."""
    decided = Decided("right")
    decided.worth = [[3.0, 1.0], [1.0, np.nan], [3.0, 1.0], [0.0, 4.0], [3.0, 1.0]]
    decided.choice, decided.player = [0, 0, 1, 1, 0], [7, 7, 7, 8, 7]
    day = 86_400
    decided.second = [0, day, 7 * day - 1, day, 7 * day]
    gains = gains_of_week(decided, np.array([7, 8]), np.array([0, day]))
    assert gains.tolist() == [1 + 0 - 1, 2]
    rng = np.random.default_rng(1)
    policy, holdout = rng.normal(2, 1, 4000), rng.normal(1.5, 1, 400)
    found = lift(policy, holdout)
    assert found["lift"] == pytest.approx(policy.mean() - holdout.mean())
    half = 1.96 * np.hypot(policy.std() / 4000**0.5, holdout.std() / 20)
    assert found["lift_high"] - found["lift"] == pytest.approx(half, rel=0.05)
    assert lift(policy, holdout[:49])["lift_low"] is None
