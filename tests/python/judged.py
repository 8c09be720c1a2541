"""Worlds in which policies are judged, whose truth is known: the game's players and offers."""

import numpy as np

from offer_ai.learning.off_policy import Logged
from offer_ai.learning.policies import epsilon_greedy
from offer_ai.simulation.world import COUNTRIES, acceptance, load_candidates, make_players

OFFERS = load_candidates()
COUNT, GROUPS = len(OFFERS.price), len(COUNTRIES)
SHOP = np.array([1.99, 4.99, 9.99, 19.99])


class World:
    """Decisions of a game, logged by a policy that explores in 3 of 10; policies see the
    country alone: a policy is an array of chances (countries, offers).

    With `has_effect` false what users spend does not depend on what they are offered.
    """

    def __init__(self, seed: int, users: int, per_user: float, has_effect: bool = True,
                 explores: float = 0.3):
        self.rng = rng = np.random.default_rng(seed)
        self.players = make_players(rng, users, OFFERS)
        self.group = self.players.country
        self.accepts = acceptance(self.players, OFFERS)
        self.user = np.repeat(np.arange(users), rng.poisson(per_user, users))
        worth = self.accepts * OFFERS.price
        self.mean = np.array([worth[self.group == group].mean(axis=0) if (
            self.group == group).any() else worth.mean(axis=0) for group in range(GROUPS)])
        self.has_effect = has_effect
        middling = np.argsort(self.mean, axis=1)[:, 6]
        self.base = epsilon_greedy(np.eye(COUNT)[middling], 0.1)
        self.log((1 - explores) * self.base + explores / COUNT)

    def log(self, policy: np.ndarray) -> None:
        """Makes a decision of each row, and what was spent after it."""
        rng, user = self.rng, self.user
        chance = policy[self.group[user]]
        self.action = (chance.cumsum(axis=1) > rng.random((len(user), 1))).argmax(axis=1)
        self.propensity = chance[np.arange(len(user)), self.action]
        spends = self.action if self.has_effect else rng.integers(0, COUNT, len(user))
        bought = rng.random(len(user)) < self.accepts[user, spends]
        shop = (rng.random(len(user)) < 0.1) * rng.choice(SHOP, len(user), p=[.5, .3, .15, .05])
        self.reward = bought * OFFERS.price[spends] + shop

    def seen_by(self, policy: np.ndarray) -> Logged:
        """The decisions under a policy, with a model that is about right on average."""
        at, chance = np.arange(len(self.user)), policy[self.group[self.user]]
        model = self.mean[self.group[self.user]] * 0.8 + 0.5
        return Logged(self.reward, self.propensity, chance[at, self.action],
                      model[at, self.action], (chance * model).sum(axis=1), self.user)

    def random_policy(self) -> np.ndarray:
        return epsilon_greedy(self.rng.random((GROUPS, COUNT)), 0.1)

    def value(self, policy: np.ndarray) -> float:
        """What a policy earns of these decisions' offers by itself, per decision."""
        return float((policy[self.group[self.user]]
                      * (self.accepts * OFFERS.price)[self.user]).sum(axis=1).mean())

    def better_by(self, share: float) -> tuple[np.ndarray, np.ndarray]:
        """A policy, and one that earns less: the first earns that share more in truth."""
        best = epsilon_greedy(self.mean, 0.1)
        low, high = self.value(self.base), self.value(best)
        mix = min(share * low / (high - low), 1)
        return (1 - mix) * self.base + mix * best, self.base


def changing_logs(seed: int) -> tuple[Logged, Logged, float, float]:
    """Three rounds of decisions for the same users, each by a policy that was learned from the
    one before, as two fixed policies see them; the first's value in truth and its gain."""
    world = World(seed, users=1500, per_user=2, explores=1.0)
    target, other = epsilon_greedy(world.mean[:, ::-1], 0.3), epsilon_greedy(world.mean, 0.5)
    shop = 0.1 * float(SHOP @ [.5, .3, .15, .05])
    seen = []
    for _ in range(3):
        seen.append((world.seen_by(target), world.seen_by(other)))
        cell = world.group[world.user] * COUNT + world.action
        earned = np.bincount(cell, world.reward / world.propensity, GROUPS * COUNT)
        world.log(epsilon_greedy(earned.reshape(GROUPS, COUNT), 0.4))
    one, two = (Logged(*(np.concatenate([vars(each[side])[name] for each in seen])
                         for name in vars(seen[0][side]))) for side in (0, 1))
    return (one, two, world.value(target) + shop, world.value(target) - world.value(other))
