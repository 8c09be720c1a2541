"""A world that moves: fashion flips, an offer arrives, one leaves, and the first hour misleads."""

import numpy as np
import pyarrow as pa

from offer_ai.simulation.drifting_game import DriftingGame, SteadyGame
from offer_ai.simulation.game import PURCHASE
from offer_ai.simulation.world import SHOP_CENTS, Candidates, country_tastes, shop_weights

ROUND_DAYS = 14
FLIP_ROUND, ARRIVAL_ROUND, LEAVING_ROUND = 6, 4, 7
ARRIVING, LEAVING = ("coins", 2.99), ("gems", 4.99)
# The log-odds by which one is bought less than its kind, and one more.
INVITING, GREEDY = ("starter", 1.99), ("vip", 9.99)
MISLEAD = 0.7
BACK_CHANCE, LOST_CHANCE = 0.04, 0.06  # of a shop purchase more, and less, in the days after
AFTER_DAYS = 5


class MovingGame(DriftingGame):
    """As DriftingGame, and in rounds of `round_days`: in the sixth what countries like is turned
    round; an offer arrives in the fourth and one leaves in the seventh.

    What is bought at once is not all: `INVITING` brings some of the players it is shown to back
    to the shop in the days after, and `GREEDY` has some return what they would have kept: a
    refund of a shop pack.
    """

    flip_round = FLIP_ROUND

    def __init__(self, users: int, seed: int, offers: Candidates, round_days: int = ROUND_DAYS):
        kinds = np.append(offers.offer_type, ARRIVING[0])
        super().__init__(users, seed, Candidates(kinds, np.append(offers.price, ARRIVING[1])))
        self.round_days = round_days
        self.later: dict[int, list[tuple[np.ndarray, int]]] = {}

    def index(self, offer: tuple[str, float]) -> int:
        """Which candidate an offer is."""
        return next(at for at, one in enumerate(zip(
            self.offers.offer_type.tolist(), self.offers.price.tolist(), strict=True))
            if one == offer)

    def first_day_of(self, number: int) -> int:
        """The first day, from 0, of a round, from 1."""
        return (number - 1) * self.round_days

    def is_valid(self, day: int) -> np.ndarray:
        """Which candidates can be made on a day, from 0: (candidates,)."""
        valid = np.ones(len(self.offers.price), bool)
        valid[self.index(ARRIVING)] = day >= self.first_day_of(ARRIVAL_ROUND)
        valid[self.index(LEAVING)] = day < self.first_day_of(LEAVING_ROUND)
        return valid

    def next_day(self) -> None:
        super().next_day()
        if self.day - 1 >= self.first_day_of(self.flip_round):
            # `day` is counted from 1 once it is under way.
            turned = -2 * country_tastes(len(self.kinds))[self.players.country][:, self.kind_of]
        else:
            turned = 0
        odds = np.log(self.accepts / (1 - self.accepts)) + turned
        odds[:, self.index(INVITING)] -= MISLEAD
        odds[:, self.index(GREEDY)] += MISLEAD
        self.accepts = 1 / (1 + np.exp(-odds))

    def afterwards(self, player: np.ndarray) -> np.ndarray:
        """Expected revenue after the first hour that a candidate adds: (players, candidates)."""
        stays = self.players.stay[player] ** ((AFTER_DAYS + 1) / 2)
        pack = shop_weights(self.players)[player] @ (SHOP_CENTS / 100)
        found = np.zeros((len(player), len(self.offers.price)))
        found[:, self.index(INVITING)] = BACK_CHANCE * stays * pack
        found[:, self.index(GREEDY)] = -LOST_CHANCE * stays * pack
        return found

    def worth(self, player: np.ndarray) -> np.ndarray:
        """As DriftingGame.worth, with what comes after; NaN for what cannot be made now."""
        worth = super().worth(player) + self.afterwards(player)
        worth[:, ~self.is_valid(self.day - 1)] = np.nan
        return worth

    def play_day(self, first_second: int, decide=None) -> pa.Table:
        """As Game.play_day, with the later effects of offers of the days before."""
        def noting(player, session, second):
            choice = decide(player, session, second)
            for offer, chance, sign in ((INVITING, BACK_CHANCE, 1), (GREEDY, LOST_CHANCE, -1)):
                who = player[(choice == self.index(offer))
                             & (self.rng.random(len(player)) < chance)]
                days = self.day + self.rng.integers(1, AFTER_DAYS + 1, len(who))
                for day in np.unique(days):
                    self.later.setdefault(int(day), []).append((who[days == day], sign))
            return choice

        played = super().play_day(first_second, noting if decide else None)
        parts = [self._later_purchases(who, sign, first_second)
                 for who, sign in self.later.pop(self.day, [])]
        return pa.concat_tables([played, *(part.cast(played.schema) for part in parts)])

    def _later_purchases(self, who: np.ndarray, sign: int, first_second: int) -> pa.Table:
        who = who[self.is_there[who]]
        count = len(who)
        weights = shop_weights(self.players)[who].cumsum(axis=1)
        pack = np.minimum((self.rng.random(count)[:, None] > weights).sum(axis=1),
                          len(SHOP_CENTS) - 1)
        session = self.sessions + np.arange(count)
        self.sessions += count
        zeros = np.zeros(count, np.int64)
        return pa.table({
            "type": np.full(count, PURCHASE), "player": who, "session": session,
            "second": first_second + self.rng.integers(0, 86_400, count), "device": zeros,
            "signin": pa.array([None] * count, pa.string()), "balance": self.balance[who],
            "level": zeros + 1, "score": zeros, "won": zeros, "offer": zeros - 1,
            "cents": sign * SHOP_CENTS[pack],
            "propensity": np.full(count, 1 / len(self.offers.price))}).select(
                ["type", "second", "player", "session", "device", "signin", "balance", "level",
                 "score", "won", "offer", "cents", "propensity"])


class TurnedGame(MovingGame):
    """What a moving world is after its flip, from the first day on: how hard that world is to learn
    for one who knows nothing of the other."""

    flip_round = 1


# Of players, seed, offers and days of a round.
WORLDS = {"drifting": lambda players, seed, offers, _: DriftingGame(players, seed, offers),
          "moving": MovingGame,
          "turned": TurnedGame,
          "steady": lambda players, seed, offers, _: SteadyGame(players, seed, offers)}
