"""The loop's world in memory: no files, no builds; to compare learners in minutes, not hours.

Decisions see the features of the last time that the learner was told, as those of a store
that is published then; labels are by the day, not by the second.
"""

from dataclasses import dataclass, field

import numpy as np

from offer_ai.learning.table_rows import is_missing
from offer_ai.simulation.drifting_game import DriftingGame
from offer_ai.simulation.game import END, LAUNCH, PURCHASE, START
from offer_ai.simulation.world import COUNTRIES

WEEK = 7
FEATURES = [
    {"name": "country", "data_type": "string"},
    {"name": "facebook_connected", "data_type": "boolean"},
    {"name": "prev_week_purchase_amount", "data_type": "decimal(38, 4)"},
    {"name": "last_session_games_played", "data_type": "bigint"},
    {"name": "last_session_win_ratio", "data_type": "double"}]
NAMES = [feature["name"] for feature in FEATURES]
FIRST_DAY = np.datetime64("2025-01-01", "D")


@dataclass
class PlayerFeatures:
    """What the warehouse would know of each player: arrays, NaN or None where nothing."""

    values: dict[str, np.ndarray] = field(default_factory=lambda: {
        name: np.empty(0, object if name == "country" else float) for name in NAMES})
    spent: list[np.ndarray] = field(default_factory=list)  # by day, then by player

    def grow(self, count: int) -> None:
        """Room for so many players."""
        for name, values in self.values.items():
            if (new := count - len(values)) > 0:
                fill = None if name == "country" else (
                    0.0 if name == "prev_week_purchase_amount" else np.nan)
                self.values[name] = np.concatenate([values, np.full(new, fill, values.dtype)])

    def see(self, game: DriftingGame, played) -> None:
        """Takes in a day's events."""
        count = len(game.players)
        self.grow(count)
        kind, player, session, second, won, cents = (
            played[name].to_numpy() for name in
            ("type", "player", "session", "second", "won", "cents"))
        launched = kind == LAUNCH
        here = np.unique(player[launched])
        self.values["country"][here] = np.array(COUNTRIES, object)[game.players.country[here]]
        self.values["facebook_connected"][here] = game.players.signin[here] == 0
        paid = kind == PURCHASE
        self.spent.append(np.bincount(player[paid], cents[paid] / 100, count))
        week = np.zeros(count)
        for day in self.spent[-WEEK:]:
            week[:len(day)] += day
        self.values["prev_week_purchase_amount"] = week
        if not launched.any():
            return
        order = np.argsort(second[launched], kind="stable")
        last = np.full(count, -1)
        last[player[launched][order]] = session[launched][order]
        has = last >= 0
        low, size = session.min(), int(session.max() - session.min()) + 1
        games = np.bincount(session[kind == START] - low, minlength=size)
        wins = np.bincount(session[kind == END] - low, won[kind == END], size)
        at = last[has] - low
        self.values["last_session_games_played"][has] = games[at]
        self.values["last_session_win_ratio"][has] = wins[at] / np.maximum(games[at], 1)


@dataclass
class Log:
    """Decisions by day, each an array or a list of arrays over the day's decisions."""

    features: list[dict] = field(default_factory=list)  # as they were seen
    decided_with: list[dict] = field(default_factory=list)  # to learn from
    chances: list[np.ndarray] = field(default_factory=list)  # (decisions, candidates)
    choice: list[np.ndarray] = field(default_factory=list)
    early: list[np.ndarray] = field(default_factory=list)  # paid for the offer itself
    worth: list[np.ndarray] = field(default_factory=list)  # (decisions, candidates)
    player: list[np.ndarray] = field(default_factory=list)


class MemoryWorld:
    """A game and what a warehouse would have of it; `play` asks a learner for chances."""

    def __init__(self, game: DriftingGame, seed: int):
        self.game, self.rng = game, np.random.default_rng(seed)
        self.players, self.log, self.day = PlayerFeatures(), Log(), 0
        self.published: dict[str, np.ndarray] = {}
        self.publish()

    @property
    def offers(self) -> list[tuple[str, float]]:
        return list(zip(self.game.offers.offer_type.tolist(), self.game.offers.price.tolist(),
                        strict=True))

    def publish(self) -> None:
        """What decisions see of players from now on."""
        self.published = {name: values.copy() for name, values in self.players.values.items()}

    def seen(self, player: np.ndarray) -> dict[str, np.ndarray]:
        """Published features of players; those that are not known yet have the cold start."""
        fresh = PlayerFeatures(dict(self.published))
        fresh.grow(int(player.max(initial=0)) + 1)
        return {name: values[player] for name, values in fresh.values.items()}

    def by_then(self, player: np.ndarray) -> dict[str, np.ndarray]:
        """Features of players who are there, up to the day before."""
        game, count = self.game.players, len(self.game.players)
        self.players.grow(count)
        found = {name: values[player] for name, values in self.players.values.items()}
        return found | {"country": np.array(COUNTRIES, object)[game.country[player]],
                        "facebook_connected": (game.signin[player] == 0).astype(float)}

    def play(self, chances_of) -> None:
        """A day: `chances_of` goes from features and is_valid (candidates,) to chances."""
        game, log, asked = self.game, self.log, {}
        game.next_day()
        valid = game.is_valid(self.day)

        def decide(player, session, second):
            features = self.seen(player)
            chances = chances_of(features, valid)
            choice = np.minimum((chances.cumsum(axis=1) < self.rng.random(len(player))[:, None])
                                .sum(axis=1), len(valid) - 1)
            asked["session"] = session
            for name, values in (("features", features), ("chances", chances),
                                 ("decided_with", decided_with(
                                     features, self.by_then(player), chances)),
                                 ("choice", choice), ("worth", game.worth(player)),
                                 ("player", player)):
                getattr(log, name).append(values)
            return choice

        played = game.play_day(self.day * 86_400, decide)
        own = (played["type"].to_numpy() == PURCHASE) & (played["offer"].to_numpy() >= 0)
        is_bought = np.isin(asked["session"], played["session"].to_numpy()[own])
        log.early.append(is_bought * self.game.offers.price[log.choice[-1]])
        self.players.see(game, played)
        self.day += 1

    def label(self, day: int) -> np.ndarray:
        """The week's revenue of a day's decisions, NaN while it is not mature."""
        if day + WEEK > self.day:
            return np.full(len(self.log.player[day]), np.nan)
        player, total = self.log.player[day], self.log.early[day].copy()
        for spent in self.players.spent[day + 1:day + WEEK]:
            total += spent[player]
        return total

    def table(self) -> dict[str, np.ndarray]:
        """All decisions as a training table of arrays, with their chances, (decisions, offers)."""
        log, days = self.log, range(self.day)
        choice = np.concatenate(log.choice)
        kinds = np.array([kind for kind, _ in self.offers], object)
        found = {name: np.concatenate([one[name] for one in log.decided_with]) for name in NAMES}
        return found | {
            "offer_type": kinds[choice], "offer_price": self.game.offers.price[choice],
            "user_id": np.concatenate(log.player),
            "offered_at": np.concatenate([np.full(len(log.choice[day]), FIRST_DAY + day)
                                          for day in days]),
            "first_hour_offer_amount": np.concatenate(log.early),
            "next_week_purchase_amount": np.concatenate([self.label(day) for day in days]),
            "choice": choice, "chances": np.concatenate(log.chances)}


def decided_with(seen: dict[str, np.ndarray], by_then: dict[str, np.ndarray],
                 chances: np.ndarray) -> dict[str, np.ndarray]:
    """Features of decisions, to learn from, as training.anchor_rows.decided_with: as they were
    seen, and where chance alone chose and nothing was, as they were."""
    by_chance = chances.max(axis=1) == np.where(chances > 0, chances, 1.0).min(axis=1)
    return {name: np.where(by_chance & is_missing(values), by_then[name], values)
            for name, values in seen.items()}
