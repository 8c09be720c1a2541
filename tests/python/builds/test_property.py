"""Random adversarial streams through the real build against the oracle."""

import os
import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import given

import oracle
from built import build_and_test, rows
from compared import same
from offer_ai.features import Lookup, open_store
from offer_ai.features.publish import publish_latest
from offer_ai.warehouse.connection import open_warehouse
from streams import MICROSECOND, NESTED, OFFSETS, builds, streams, write_lines

EXAMPLES = int(os.environ.get("OFFER_AI_EXAMPLES", "2"))
@builds(EXAMPLES)
@given(streams(may_nest=True))
def test_every_mart_equals_the_oracle(files):
    with tempfile.TemporaryDirectory() as folder:
        events, database = Path(folder, "events"), Path(folder, "w.duckdb")
        named = {f"{number}.ndjson": lines for number, lines in enumerate(files)}
        for name, lines in named.items():
            write_lines(events / name, lines)
        build_and_test(events, database, *NESTED)
        world = oracle.read(named)

        rejects = rows(database, "from landing.rejected_events")
        assert sorted((Path(r["source_file"]).name, r["line_number"]) for r in rejects) \
            == sorted((name, number) for name, number, _ in world.rejects)
        found = {(Path(r["source_file"]).name, r["line_number"]): r["reason"]
                 for r in rejects}
        for name, number, field in world.rejects:
            assert field in found[name, number] or "UTF-8" in found[name, number]
        (counts,) = rows(database, """
            select
                (select sum(line_count) from landing.landed_files) as lines,
                (select count(*) from staging.stg_events) as accepted,
                (select count(*) from landing.repeated_events
                    where delivery_number > 1) as duplicates""")
        assert counts == {"lines": world.lines, "accepted": len(world.events),
                          "duplicates": world.duplicates}

        same(rows(database, "from marts.sessions"), [
            {"user_id": user, "session_id": session, **row}
            for (user, session), row in oracle.sessions(world.events).items()])
        same(rows(database, "from marts.training_offers"),
             oracle.training_offers(world))

        with open_warehouse(database) as con:
            store = open_store(f"sqlite:///{folder}/features.sqlite")
            publish_latest(con, store)
        lookup = Lookup(store)
        latest = rows(database, "from marts.latest_features")
        assert {row["user_id"] for row in latest} \
            == {event["user_id"] for event in world.events}
        for row in latest:
            user = row["user_id"]
            last = max(e["time"] for e in world.events if e["user_id"] == user)
            now = max(world.watermark, last) + timedelta(microseconds=1)
            assert row["as_of"] == now
            expected = oracle.features(world.events, user, None, now)
            assert lookup.features("nobody", None, now) == oracle.features([], "nobody", None, now)
            assert {name: row[name] for name in expected} == expected
            for session in [None, "new", *"abc", "10", "9"]:
                for t in [last, *(last + MICROSECOND + later for later in OFFSETS[:10])]:
                    assert lookup.features(user, session, t) \
                        == oracle.features(world.events, user, session, t)
