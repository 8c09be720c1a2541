"""A game's events as raw lines, and the truth that no model reads: both by DuckDB."""

import json
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from offer_ai.base.sql import sql_text
from offer_ai.simulation.game import Game
from offer_ai.simulation.world import COUNTRIES, expected_week_revenue

BATCH_ROWS = 16_384

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
            || field('decision_context', getvariable('context'))
        else
            head('purchase', e, p) || field('currency_balance', e.balance)
            || field('sku', coalesce(o.offer_type || '-', 'coins-pack-')
                || e.cents)
            || field('txn_amount', cast(e.cents / 100 as decimal(9, 2)))
            || field('purchase_source',
                case when e.offer < 0 then 'shop' else 'offer' end)
    end || '}';
"""


def register_world(con: duckdb.DuckDBPyConnection, game: Game, seed: int) -> None:
    """Creates `players` and `offers` in `con` and the macro that writes lines."""
    register_players(con, game, seed)
    con.register("offer_rows", pa.table({
        "offer": np.arange(len(game.offers.price)),
        "offer_type": game.offers.offer_type.tolist(),
        "cents": game.offers.cents}))
    con.execute("""create table offers as select offer, offer_type,
        cast(cents / 100 as decimal(9, 2)) as price from offer_rows""")
    con.execute("set variable context = ?", [context_text(game)])
    con.execute(LINES)


def context_text(game: Game) -> str:
    """What a decision between the game's offers notes, each alike: JSON within JSON."""
    offers = list(zip(game.offers.offer_type.tolist(), game.offers.price.tolist(), strict=True))
    context = {"candidates": [{"offer_type": kind, "offer_price": str(price),
                               "probability": 1 / len(offers)} for kind, price in offers]}
    return json.dumps(json.dumps(context, separators=(",", ":")))[1:-1]


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
    events = events.append_column("p", players.take(player)).append_column(
        "o", offers.take(offer))
    # DuckDB reads batches side by side, and one alone by one thread.
    con.register("events", pa.Table.from_batches(events.to_batches(max_chunksize=BATCH_ROWS)))
    part = path.with_suffix(".part")
    con.execute(f"""
        copy (
            select line(e, e.p, e.o) from events as e
        ) to {sql_text(part)}
        (format csv, header false, quote '', escape '', delimiter e'\\x01')""")
    part.rename(path)
    return events.num_rows


def write_truth(con: duckdb.DuckDBPyConnection, game: Game, path: Path) -> None:
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
        ) to {sql_text(path)} (format parquet)""")
