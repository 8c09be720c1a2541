"""One simulated game: what its players do in a day, and when we hear of it."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from offer_ai.simulation.world import (
    OFFER_RATE,
    SHOP_CENTS,
    SIGNINS,
    UPDATE_RATE,
    Candidates,
    acceptance,
    make_players,
    shop_weights,
)

DAY_SECONDS = 86_400
LATE_SHARE = 0.01  # of events reach us in the next day's file
DUPLICATE_SHARE = 0.005  # of events are sent twice
USUAL_GAMES = 6.2  # per session

LAUNCH, UPDATE, START, END, OFFER, PURCHASE = range(6)


class Game:
    """One simulated game, played a day at a time.

    With so many games of a session on average; `keen` is added to the log-odds of buying.
    """

    def __init__(self, users: int, seed: int, offers: Candidates, games: float = USUAL_GAMES,
                 keen: float = 0.0):
        self.rng = np.random.default_rng(seed)
        self.offers = offers
        self.players = make_players(self.rng, users, offers)
        self.players.games_per_session = 1 + (self.players.games_per_session - 1) * (
            (games - 1) / (USUAL_GAMES - 1))
        self.players.taste = self.players.taste + keen
        self.accepts = acceptance(self.players, offers)
        self.shop = shop_weights(self.players).cumsum(axis=1)
        self.is_there = np.ones(users, dtype=bool)
        self.balance = self.rng.integers(0, 5_000, users)
        self.sessions = 0

    def play_day(self, first_second: int, decide: Callable | None = None) -> pa.Table:
        """The day's events, unordered: one row each, columns as in `_table`.

        `decide` makes the day's offers, in order of time: from arrays of player, session
        and second to the index of each offer. It tells of them itself: no event of the
        day does. Without it they are random.
        """
        rng, players = self.rng, self.players
        per_player = rng.poisson(players.sessions_per_day) * self.is_there
        player = np.repeat(np.arange(len(players)), per_player)
        count = len(player)
        session = self.sessions + np.arange(count)
        self.sessions += count
        self.is_there &= rng.random(len(players)) < players.stay
        start = first_second + rng.integers(0, DAY_SECONDS, count)
        device = (
            players.has_two_devices[player] & (rng.random(count) < 0.5)
        ).astype(np.int64)

        # A second device opens while the first one plays.
        follows = np.flatnonzero((device[1:] == 1) & (player[1:] == player[:-1])) + 1
        start[follows] = start[follows - 1] + rng.integers(5, 60, len(follows))

        games = 1 + rng.poisson(players.games_per_session[player] - 1)
        owner = np.repeat(np.arange(count), games)
        first_game = np.cumsum(games) - games
        nth = np.arange(len(owner)) - first_game[owner]
        pause = rng.integers(0, 40, len(owner))
        length = 15 + rng.exponential(75, len(owner)).astype(np.int64)
        ended = np.cumsum(pause + length)
        ended -= (ended - pause - length)[first_game][owner]
        ended += start[owner]
        began = ended - length
        odds = players.skill[player[owner]]
        won = (rng.random(len(owner)) < 1 / (1 + np.exp(-odds))).astype(np.int64)

        offered = np.flatnonzero(rng.random(count) < OFFER_RATE)
        choice = rng.integers(0, len(self.offers.price), len(offered))
        game = first_game[offered] + rng.integers(0, games[offered])
        offered_at = ended[game] + rng.integers(0, 3, len(offered))
        if decide:
            order = np.argsort(offered_at, kind="stable")
            choice[order] = decide(
                player[offered[order]], session[offered[order]], offered_at[order])
        bought = rng.random(len(offered)) < self.accepts[player[offered], choice]
        paid_at = offered_at + rng.integers(0, 30, len(offered))

        shops = np.flatnonzero(rng.random(count) < players.organic[player])
        draw = rng.random(len(shops))[:, None]
        pack = (draw > self.shop[player[shops]]).sum(axis=1)
        pack = np.minimum(pack, len(SHOP_CENTS) - 1)
        last_game = first_game[shops] + games[shops] - 1
        shop_at = ended[last_game] + rng.integers(1, 60, len(shops))

        updates = np.flatnonzero(rng.random(count) < UPDATE_RATE)
        signin_before = players.signin.copy()
        players.signin[player[updates]] = rng.integers(0, len(SIGNINS), len(updates))

        def rows(kind, of, second, **own):
            return dict(kind=kind, of=of, second=second, **own)

        paid = np.flatnonzero(bought)
        parts = [
            rows(LAUNCH, np.arange(count), start, signin=signin_before[player]),
            rows(
                UPDATE, updates, start[updates] + 1,
                signin=players.signin[player[updates]],
            ),
            rows(START, owner, began, level=1 + nth),
            rows(
                END, owner, ended, level=1 + nth, won=won,
                score=rng.integers(0, 10_000, len(owner)),
            ),
            *([] if decide else [rows(OFFER, offered, offered_at, offer=choice, won=bought)]),
            rows(
                PURCHASE, offered[paid], paid_at[paid], offer=choice[paid],
                cents=self.offers.cents[choice[paid]],
            ),
            rows(PURCHASE, shops, shop_at, cents=SHOP_CENTS[pack]),
        ]
        return self._table(parts, player, session, device)

    def _table(self, parts, player, session, device) -> pa.Table:
        def column(name, absent):
            return np.concatenate([
                np.asarray(part.get(name, np.full(len(part["of"]), absent)), np.int64)
                for part in parts
            ])

        of = np.concatenate([part["of"] for part in parts])
        kind = np.repeat(
            [part["kind"] for part in parts], [len(part["of"]) for part in parts]
        )
        signin = pa.DictionaryArray.from_arrays(
            pa.array(np.maximum(column("signin", 0), 0).astype(np.int32)), SIGNINS
        )
        return pa.table({
            "type": kind,
            "second": column("second", 0),
            "player": player[of],
            "session": session[of],
            "device": device[of],
            "signin": signin.dictionary_decode(),
            "balance": self.balance[player[of]],
            "level": column("level", 1),
            "score": column("score", 0),
            "won": column("won", 0),
            "offer": column("offer", -1),
            "cents": column("cents", 0),
            "propensity": np.full(len(of), 1 / len(self.offers.price)),
        })


def deliver(rng: np.random.Generator, played: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Splits a day's events into (today's file, the next day's file).

    Both lists are in order of delivery, which is not that of event time, and
    some events are in them twice.
    """
    count = played.num_rows
    twice = np.flatnonzero(rng.random(count) < DUPLICATE_SHARE)
    index = np.concatenate([np.arange(count), twice])
    late = rng.random(len(index)) < LATE_SHARE
    arrival = played["second"].to_numpy()[index] + rng.exponential(20, len(index))
    order = np.argsort(arrival, kind="stable")
    index, late = index[order], late[order]
    return played.take(index[~late]), played.take(index[late])
