"""Writes the raw events of a simulated game, one NDJSON file per day.

Beside them goes `truth.parquet`: what each offer would earn from each player
over the next 7 days. No model reads it.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import click
import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tqdm import tqdm

from offer_ai.simulation.world import (
    COUNTRIES,
    OFFER_RATE,
    SHOP_CENTS,
    SIGNINS,
    UPDATE_RATE,
    Candidates,
    acceptance,
    expected_week_revenue,
    load_candidates,
    make_players,
    shop_weights,
)

DAY_SECONDS = 86_400
LATE_SHARE = 0.01  # of events reach us in the next day's file
DUPLICATE_SHARE = 0.005  # of events are sent twice

LAUNCH, UPDATE, START, END, OFFER, PURCHASE = range(6)

LINES = """
create or replace macro field(key, value) as
    ', "' || key || '": "' || value || '"';

create or replace macro head(type, e, p) as
    '{"event_id": "' || type || '", "event_time": "'
    || strftime(make_timestamp(e.second * 1000000), '%Y-%m-%dT%H:%M:%S')
    || '", "customer_identifier": "' || p.user_id
    || '", "session_id": "' || substr(md5(p.user_id || e.session), 1, 14)
    || '"';

create or replace macro line(e, p, o) as
    case e.type
        when 0 then
            head('app_launched', e, p)
            || field('country', p.country) || field('language', p.language)
            || field('signin_method', e.signin)
            || field('package_name', 'game.tiles')
            || field('package_version', '2.4.1') || field('os', p.os)
            || field('os_version', p.os_version)
            || field('device_type', 'phone') || field('device_make', p.make)
            || field('device_model', p.make || ' ' || (p.player % 40))
            || field('device_id', md5(p.user_id || e.device))
        when 1 then
            head('user_updated', e, p) || field('signin_method', e.signin)
        when 2 then
            head('game_start', e, p) || field('currency_balance', e.balance)
            || field('level', e.level)
        when 3 then
            head('game_end', e, p) || field('currency_balance', e.balance)
            || field('level', e.level) || field('score', e.score)
            || field('badge', e.score % 5) || field('won', e.won)
        when 4 then
            head('offer_shown', e, p) || field('currency_balance', e.balance)
            || field('offer_type', o.offer_type)
            || field('offer_price', o.price)
            || field('offer_purchased', e.won = 1)
            || field('offer_dismissed', e.won = 0)
            || field('decision_id', md5(e.session || '-' || e.second))
            || field('propensity', e.propensity)
            || field('policy_version', 'random')
        else
            head('purchase', e, p) || field('currency_balance', e.balance)
            || field('sku', coalesce(o.offer_type || '-', 'coins-pack-')
                || e.cents)
            || field('txn_amount', cast(e.cents / 100 as decimal(9, 2)))
            || field('purchase_source',
                case when e.offer < 0 then 'shop' else 'offer' end)
    end || '}';
"""


class Game:
    """One simulated game, played a day at a time."""

    def __init__(self, users: int, seed: int, offers: Candidates):
        self.rng = np.random.default_rng(seed)
        self.offers = offers
        self.players = make_players(self.rng, users, offers)
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


def register_world(con: duckdb.DuckDBPyConnection, game: Game, seed: int) -> None:
    """Creates `players` and `offers` in `con` and the macro that writes lines."""
    register_players(con, game, seed)
    con.register("offer_rows", pa.table({
        "offer": np.arange(len(game.offers.price)),
        "offer_type": game.offers.offer_type.tolist(),
        "cents": game.offers.cents}))
    con.execute("""create table offers as select offer, offer_type,
        cast(cents / 100 as decimal(9, 2)) as price from offer_rows""")
    con.execute(LINES)


def register_players(con: duckdb.DuckDBPyConnection, game: Game, seed: int) -> None:
    """Creates `players` in `con`, anew when players have come."""
    count = len(game.players)
    con.register("countries", pa.table({"player": np.arange(count),
        "country": pa.array(COUNTRIES).take(pa.array(game.players.country))}))
    con.execute(f"""
        create or replace table players as
        select
            player, country,
            cast(cast(md5('{seed}-' || player) as uuid) as varchar) as user_id,
            case country
                when 'BR' then 'pt' when 'DE' then 'de' when 'JP' then 'ja'
                when 'FR' then 'fr' when 'MX' then 'es' when 'KR' then 'ko'
                else 'en' end as language,
            case when player % 3 = 0 then 'iOS' else 'Android' end as os,
            (10 + player % 5) || '.0' as os_version,
            case player % 3
                when 0 then 'Apple' when 1 then 'Samsung' else 'Xiaomi'
                end as make
        from countries""")


def as_structs(con: duckdb.DuckDBPyConnection, table: str, order_by: str) -> pa.Array:
    """The rows of a table, in order."""
    rows = con.sql(f"select row from {table} as row order by row.{order_by}").to_arrow_table()
    return rows["row"].combine_chunks()


def write_events(
    con: duckdb.DuckDBPyConnection, events: pa.Table, players: pa.Array, offers: pa.Array,
    path: Path,
) -> int:
    """Writes one NDJSON file, whole or not at all; returns its line count.

    Player and offer are taken by index: a join in SQL would not keep the order.
    """
    offer = events["offer"]
    offer = pc.if_else(pc.less(offer, 0), None, offer).combine_chunks()
    player = events["player"].combine_chunks()
    con.register("events", events.append_column("p", players.take(player))
                 .append_column("o", offers.take(offer)))
    part = path.with_suffix(".part")
    con.execute(f"""
        copy (
            select line(e, e.p, e.o) from events as e
        ) to '{str(part).replace("'", "''")}'
        (format csv, header false, quote '', escape '', delimiter e'\\x01')""")
    part.rename(path)
    return events.num_rows


def write_truth(con, game: Game, path: Path) -> None:
    """One row per (player, candidate): expected revenue of the next 7 days."""
    worth = expected_week_revenue(game.players, game.offers)
    con.register("worth", pa.table({
        "player": np.repeat(np.arange(worth.shape[0]), worth.shape[1]),
        "offer": np.tile(np.arange(worth.shape[1]), worth.shape[0]),
        "expected_week_revenue": worth.ravel(),
        "acceptance": game.accepts.ravel()}))
    con.execute(f"""
        copy (
            select user_id, offer_type, price as offer_price, acceptance,
                expected_week_revenue
            from worth join players using (player) join offers using (offer)
            order by user_id, offer
        ) to '{str(path).replace("'", "''")}' (format parquet)""")


@click.command(context_settings={"show_default": True})
@click.option("--out", default="data", type=click.Path(path_type=Path, file_okay=False),
              help="Folder for events/ and truth.parquet; an events/ folder "
              "that is there is replaced.")
@click.option("--users", default=1_000, type=click.IntRange(1),
              help="Players on the first day.")
@click.option("--days", default=28, type=click.IntRange(1), help="Days to play.")
@click.option("--seed", default=1, help="The same seed gives the same files.")
@click.option("--start", default="2025-01-01", type=click.DateTime(["%Y-%m-%d"]),
              help="First day (UTC).")
def main(out: Path, users: int, days: int, seed: int, start) -> None:
    """Simulate a game's raw events: DIR/events/*.ndjson and DIR/truth.parquet."""
    first_day = np.datetime64(start, "D")
    events_dir, staging = out / "events", out / "events.part"
    for folder in (staging, events_dir):
        shutil.rmtree(folder, ignore_errors=True)
    staging.mkdir(parents=True)
    game = Game(users, seed, load_candidates())
    con = duckdb.connect(config={"preserve_insertion_order": True})
    register_world(con, game, seed)
    write_truth(con, game, out / "truth.parquet")

    players, offers = as_structs(con, "players", "player"), as_structs(con, "offers", "offer")
    lines, late = 0, None
    with tqdm(total=days, unit="day", disable=None) as bar:
        for day in range(days + 1):
            date = first_day + day
            second = int(date.astype("datetime64[s]").astype(np.int64))
            parts = [] if late is None else [late]
            if day < days:
                today, late = deliver(game.rng, game.play_day(second))
                parts.append(today)
                bar.update()
            lines += write_events(
                con, pa.concat_tables(parts), players, offers, staging / f"events-{date}.ndjson"
            )
            bar.set_postfix(events=f"{lines:,}")
    staging.rename(events_dir)
    click.echo(f"{lines:,} lines of {users:,} players over {days} days in {events_dir}")


if __name__ == "__main__":
    main()
