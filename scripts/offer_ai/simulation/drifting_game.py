"""A game whose players come, go and change from day to day."""

from dataclasses import fields

import numpy as np

from offer_ai.simulation.game import Game
from offer_ai.simulation.world import (
    PURSE_SPREAD,
    TASTE_SPREAD,
    Candidates,
    Players,
    acceptance,
    make_players,
    organic_rate,
    shop_weights,
    usual_purse,
    usual_taste,
)

KEPT = 0.98  # of how a player differs from others like it, from one day to the next
FASHION, FASHION_DAYS = 0.05, 60  # log-odds by which each kind of offer comes and goes


class DriftingGame(Game):
    """As many players as on the first day: for each that leaves, another comes."""

    def __init__(self, users: int, seed: int, offers: Candidates):
        super().__init__(users, seed, offers)
        self.kinds, self.kind_of = np.unique(offers.offer_type, return_inverse=True)
        self.users, self.day = users, 0

    def next_day(self) -> None:
        """Purses and tastes wander about what is usual for a player's traits; what is in
        fashion moves for all; new players replace those who left."""
        rng, players = self.rng, self.players
        count, kinds = len(players), len(self.kinds)
        first_of = [int(np.flatnonzero(self.kind_of == kind)[0]) for kind in range(kinds)]
        moves = np.sqrt(1 - KEPT**2)
        usual = usual_purse(players.country, players.signin, players.skill)
        players.purse = usual + KEPT * (players.purse - usual) + moves * rng.normal(
            0, PURSE_SPREAD, count)
        usual = usual_taste(players.country, players.skill, kinds)
        own = players.taste[:, first_of] - usual - self._fashion()
        self.day += 1
        players.taste = (usual + KEPT * own + moves * rng.normal(
            0, TASTE_SPREAD, (count, kinds)) + self._fashion())[:, self.kind_of]
        self._replace_the_gone()
        self.players.organic = organic_rate(self.players.purse)
        self.accepts = acceptance(self.players, self.offers)
        self.shop = shop_weights(self.players).cumsum(axis=1)

    def worth(self, player: np.ndarray) -> np.ndarray:
        """Expected revenue of each candidate by itself, now: (players, candidates)."""
        return self.accepts[player] * self.offers.price

    def is_valid(self, day: int) -> np.ndarray:
        """Which candidates can be made on a day: (candidates,)."""
        return np.ones(len(self.offers.price), bool)

    def _fashion(self) -> np.ndarray:
        phase = np.arange(len(self.kinds)) / len(self.kinds)
        return FASHION * (np.sin(2 * np.pi * (self.day / FASHION_DAYS + phase))
                          - np.sin(2 * np.pi * phase))

    def _replace_the_gone(self) -> None:
        new = int((~self.is_there).sum()) - (len(self.is_there) - self.users)
        if new <= 0:
            return
        come = make_players(self.rng, new, self.offers)
        come.taste = come.taste + self._fashion()[self.kind_of]
        self.players = Players(**{
            field.name: np.concatenate([getattr(self.players, field.name),
                                        getattr(come, field.name)])
            for field in fields(Players)})
        self.is_there = np.concatenate([self.is_there, np.ones(new, dtype=bool)])
        self.balance = np.concatenate([self.balance, self.rng.integers(0, 5_000, new)])


class SteadyGame(DriftingGame):
    """As DriftingGame, but players do not change: they come and go."""

    def next_day(self) -> None:
        self.day += 1
        self._replace_the_gone()
        self.players.organic = organic_rate(self.players.purse)
        self.accepts = acceptance(self.players, self.offers)
        self.shop = shop_weights(self.players).cumsum(axis=1)

    def _fashion(self) -> np.ndarray:
        return np.zeros(len(self.kinds))
