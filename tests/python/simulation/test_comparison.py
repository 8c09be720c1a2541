"""Learners side by side: what is printed of a world that moves, and of one that does not."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from commands import run
from offer_ai.simulation.comparison import LEARNERS, is_explored, play
from offer_ai.simulation.drifting_game import DriftingGame, SteadyGame
from offer_ai.simulation.memory_world import MemoryWorld
from offer_ai.simulation.moving_game import MovingGame, TurnedGame
from offer_ai.simulation.report import earned_by, moved
from offer_ai.simulation.schedule import learning_days, news_days
from offer_ai.simulation.world import country_tastes, load_candidates

DAYS = 7  # of a round


def played(share_of_day, new_chance):
    """A decision or more a day for eight rounds: offer 0 is worth 1, 1 nothing, and the third,
    which is new, 0.5; the first is made as often as `share_of_day` says."""
    day = np.repeat(np.arange(8 * DAYS), 100)
    choice = (np.tile(np.arange(100), 8 * DAYS) >= 100 * share_of_day[day]).astype(int)
    chances = np.tile([1 - new_chance, 0.0, new_chance], (len(day), 1))
    return SimpleNamespace(
        worth=np.tile([1.0, 0.0, 0.5], (len(day), 1)), choice=choice, day=day,
        round=1 + day // DAYS, player=np.arange(len(day)), chances=chances)


def what_moved(one, best, *flip_round):
    """The third offer is the one that arrives."""
    return moved(one.day, earned_by(one, best), one.chances[:, 2], best == 2, DAYS, *flip_round)


@pytest.mark.quick
def test_what_a_moving_world_asks_by_hand():
    """Nine of ten decisions are right in the round before the flip, eight of ten in the last week
    of the two rounds after it; the new offer is right for a quarter and made for a fifth."""
    share = np.full(8 * DAYS, 0.9)
    share[5 * DAYS:6 * DAYS], share[6 * DAYS:] = 0.3, 0.8
    best = np.zeros(800 * DAYS, int)
    best[::4] = 2
    one = played(share, 0.2)
    one.worth[best == 2] = [0.0, 0.0, 1.0]
    one.choice = np.where(best == 2, np.where(one.choice == 0, 2, 1), one.choice)
    found = what_moved(one, best)
    gain = 1 - one.worth.mean()
    assert found["back"] == pytest.approx((gain - 0.2) / (gain - 0.1), abs=0.01)
    assert found["new_offer"] == pytest.approx(0.2 / 0.25)
    assert what_moved(one, np.zeros_like(best))["new_offer"] is None  # never the right one
    early = SimpleNamespace(**{name: values[one.round < 4] for name, values in vars(one).items()})
    assert what_moved(early, best[one.round < 4]) == {"back": None, "new_offer": None}
    assert what_moved(one, best, TurnedGame.flip_round)["back"] is None  # nothing was before


@pytest.mark.quick
def test_a_turned_world_is_a_moving_one_after_its_flip():
    """Of the same players: taste by country is what it was, the other way round."""
    def odds(world, day):
        game = world(500, 1, load_candidates(), round_days=1)
        game.day = day
        game.next_day()
        return np.log(game.accepts / (1 - game.accepts)), game
    (before, game), (after, _), (turned, _) = odds(MovingGame, 4), odds(MovingGame, 5), odds(
        TurnedGame, 4)
    assert np.allclose(turned - before, -2 * country_tastes(len(game.kinds))[
        game.players.country][:, game.kind_of])
    assert np.abs(after - before).mean() == pytest.approx(np.abs(turned - before).mean(), rel=0.05)


@pytest.mark.quick
def test_what_is_explored_by_hand():
    """All of what each offer, or one of two, was as likely to be; of one offer alone nothing."""
    chances = np.array([[1 / 3] * 3, [0.4, 0.4, 0.2], [0.8, 0.1, 0.1], [0.8, 0.1, 0.1], [1, 0, 0]])
    assert is_explored(chances, np.array([0, 0, 0, 1, 0])).tolist() == [
        True, True, False, True, False]


@pytest.mark.quick
@pytest.mark.parametrize(("world", "is_changing"), [(DriftingGame, True), (SteadyGame, False)])
def test_players_of_a_steady_world_stay_as_they_are(world, is_changing):
    """Those who are gone are replaced in both."""
    game = world(2_000, 1, load_candidates())
    before = game.accepts.copy()
    game.is_there[:100] = False
    game.next_day()
    assert (len(game.players), int(game.is_there.sum())) == (2_100, 2_000)
    assert np.allclose(game.accepts[:2_000], before) != is_changing


@pytest.mark.quick
def test_when_it_learns():
    assert learning_days(28, 7) == [1, 2, 3, 5, 7, 10, 14, 21, 28]
    assert (news_days(21, 7, None), news_days(21, 7, 7), news_days(21, 1, 7)) == (
        set(), {23}, set())


def test_learners_side_by_side(tmp_path):
    """A line and its figures for each; Vowpal Wabbit takes other options."""
    out = tmp_path / "found.json"
    said = run("compare", "--players", 200, "--rounds", 2, "--days", 4, "--world", "steady",
               "--learner", "a/b test", "--learner", "vowpal-wabbit", "--learner", "inverse-gap",
               "--vw-options", "--gamma_scale 1", "--out", out)
    assert said.returncode == 0, said.stderr
    _, *lines = said.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["steady"] * 3
    found = json.loads(out.read_text())
    assert [one["learner"] for one in found] == ["a/b test", "vowpal-wabbit", "inverse-gap"]
    assert all(np.isclose(np.sum(one["chance"], axis=1), 1).all() for one in found)
    # Too few offers to learn from: each is as likely as any, and the steps say why.
    assert "too few to learn from" in found[2]["steps"][0]
    assert np.allclose(found[2]["chance"], 1 / len(load_candidates().price))


@pytest.mark.quick
def test_a_day_on_which_nobody_plays():
    game = SteadyGame(10, 1, load_candidates())
    world = MemoryWorld(game, 1)
    game.players.sessions_per_day[:] = 0
    world.play(LEARNERS["a/b test"](world).chances)
    assert (world.day, len(world.log.choice[0])) == (1, 0)


@pytest.mark.quick
def test_a_learner_of_mature_labels_waits():
    """In six days there is no week: it chooses at random, and does not fail."""
    found = play("mature alone", "drifting", 500, 1, 6, 1, 2)
    assert np.allclose(found["chance"], 1 / len(load_candidates().price)), found["steps"]
