"""Proves that serving sees what training saw, for sampled anchors (offers) of the warehouse.

Each sampled anchor's moment is lived through again: a warehouse of its own is fed the
events up to the anchor, in order of time and nothing else, publishes its features, and
the anchor's user is looked up as serving does, with what a client knows: the session id that
it sends, which is none of the warehouse's where sessions are cut by time, and the fields that
features are read from (`from_anchor`). Training and serving must agree in every feature.
"""

import json
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import click
import duckdb
from tqdm import tqdm

from offer_ai.base import declarations
from offer_ai.base.sql import sql_text
from offer_ai.features.lookup import Lookup
from offer_ai.features.opening import open_store
from offer_ai.features.publish import publish_latest
from offer_ai.features.request_time import RequestFeatures, as_json
from offer_ai.warehouse.connection import open_warehouse, relation_of_point
from offer_ai.warehouse.warm_dbt import Dbt

# `client_session_id` is what the anchor's event says: all that a client knows of its session.
SAMPLE = """
create temp table sampled as
select
    row_number() over (order by {time}, {id}) as step,
    decided.*,
    anchors.client_session_id{given}
from (
    select * from {training}
    order by md5({id} || ?)
    limit ?
) as decided
inner join {anchors} as anchors on anchors.anchor_id = decided.{id}
"""
# Of the second of an anchor all events but itself come before it: lines of one second have no
# order, and serving must tell by itself what was before.
REPLAYED = """
create temp table replayed as
select
    events.*,
    (
        select min(step) from sampled
        where {time} >= events.event_time
        and not (
            events.event_type = {event}
            and events.user_id = sampled.user_id
            and events.session_id is not distinct from sampled.client_session_id
            and events.event_time = sampled.{time}
        )
    ) as step
from staging.stg_events as events
where user_id in (select user_id from sampled)
"""


def raw_columns() -> str:
    """A select list that turns stg_events back into raw events, amounts as they were sent."""
    return ", ".join(
        f"cast({spec.get('as', name)}{'_sent' if spec.get('type') == 'money' else ''} as varchar) "
        f"as {name}"
        for name, spec in declarations.variables()["event_fields"].items())


def write_step(con: duckdb.DuckDBPyConnection, step: int, path: Path) -> int:
    """Writes the events that anchor `step` has behind it and the one before had not."""
    (count,) = con.execute(f"""
        copy (select {raw_columns()} from replayed where step = {step})
        to {sql_text(path)} (format json)""").fetchone()
    return count


@dataclass
class Replay:
    """What a replay compared: anchors, features, and of those that differ a line each."""

    offers: int = 0
    features: int = 0
    differences: list[str] = field(default_factory=list)


def replay(database: Path, offers: int, seed: str, point: dict | None = None) -> Replay:
    """Lives through so many sampled anchors of a decision point (the first by default) of a
    warehouse again; ClickException for none. Raises BuildError and StoreError."""
    con, point = open_warehouse(database), point or declarations.decision_point()
    requests, time, one = RequestFeatures(point), point["time"], point["one"]
    given = {field: declarations.column_of(field) for field in requests.types}
    con.execute(SAMPLE.format(
        time=time, id=point["id"], training=relation_of_point(con, point["training"], point),
        anchors=relation_of_point(con, f"{one}_anchors", point),
        given="".join(f", anchors.{column} as given_{column}" for column in given.values())),
        [seed, offers])
    con.execute(REPLAYED.format(time=time, event=sql_text(point["event"])))
    names = [feature["name"] for feature in point["features"]]
    cursor = con.execute("select * from sampled order by step")
    columns = [column[0] for column in cursor.description]
    rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    if not rows:
        raise click.ClickException(f"{database} holds no {one} to replay.")
    done = Replay()
    with tempfile.TemporaryDirectory() as folder:
        events = Path(folder, "events")
        events.mkdir()
        # Of an anchor that nothing came before there is no event, and a warehouse needs one.
        (events / "0.ndjson").write_text(json.dumps({
            "event_id": "replay_began", "event_time": "1970-01-01T00:00:00",
            "customer_identifier": "nobody"}))
        replayed = Path(folder, "replay.duckdb")
        os.environ |= {"OFFER_AI_EVENTS": str(events), "OFFER_AI_DB": str(replayed)}
        dbt = Dbt(Path(folder, "target"))
        dbt.parse()
        dbt("seed", "--select", "exchange_rates")
        for row in tqdm(rows, unit=one, disable=None):
            write_step(con, row["step"], events / f"{row['step']:06}.ndjson")
            dbt("run")
            with open_warehouse(replayed) as snapshot:
                store = open_store(f"sqlite:///{folder}/features.sqlite")
                publish_latest(snapshot, store)
            served = Lookup(store).features(
                row["user_id"], row["client_session_id"], row[time])
            store.close()
            # What a caller would send, as JSON and back.
            served |= requests.features(
                {field: requests.read(field, as_json(row[f"given_{column}"]))
                 for field, column in given.items()}, row[time])
            done.offers += 1
            done.features += len(names)
            done.differences += [
                f"{one} {row[point['id']]}: {name} was {row[name]} in training "
                f"and {served[name]} in serving"
                for name in names if served[name] != row[name]]
    return done
