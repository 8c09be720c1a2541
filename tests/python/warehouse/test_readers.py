"""Readers of the published database are never blocked and never see two versions."""

import json
import os
import random
import subprocess
import sys

import duckdb
import pytest

from built import build, write_events
from events import batch
from offer_ai.warehouse.connection import open_warehouse
from offer_ai.warehouse.marts import publish_marts

QUERIES = int(os.environ.get("OFFER_AI_QUERIES", "300"))
READER = """
import json, sys, duckdb
path, count = sys.argv[1], int(sys.argv[2])
failures, seen = [], set()
query = '''
    select
        (select sum(offers_shown) from marts.sessions),
        (select count(*) from marts.training_offers),
        (select sum(shown) from marts.offer_performance),
        (select watermark_at::varchar from sessions.watermark),
        (select count(distinct user_id) from marts.sessions),
        (select count(*) from marts.latest_features)'''
for _ in range(count):
    try:
        con = duckdb.connect(path, read_only=True)
        row = con.execute(query).fetchone()
        con.close()
    except Exception as error:
        failures.append(str(error))
        continue
    if row[0] != row[1] or row[1] != row[2] or row[4] != row[5]:
        failures.append(str(row))
    seen.add(row[1])
print(json.dumps({"failures": failures, "versions": len(seen)}))
"""


@pytest.mark.long
def test_queries_while_building(tmp_path):
    """The old connection keeps its version in a process that opens new ones, too."""

    chance = random.Random(3)
    events, database, export = tmp_path / "events", tmp_path / "w.duckdb", tmp_path / "export"

    def round_of(number):
        write_events(events / f"{number}.ndjson", *batch(chance))
        build(events, database)
        with open_warehouse(database) as con:
            publish_marts(con, export)

    round_of(0)
    count = "select count(*) from marts.training_offers"
    oldest = duckdb.connect(str(export / "published.duckdb"), read_only=True)
    first = oldest.execute(count).fetchone()
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, export / "published.duckdb", str(QUERIES)],
        stdout=subprocess.PIPE, text=True)
    number = 1
    while reader.poll() is None:
        round_of(number)
        number += 1
    result = json.loads(reader.stdout.read())
    assert result["failures"] == []
    assert result["versions"] > 1
    assert oldest.execute(count).fetchone() == first
    oldest.close()
    assert [path.name for path in export.iterdir()] == ["published.duckdb"]
