"""Batches in any order, built one after the other, equal one full build."""

import os
import random
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from test_property import PHASES, same, streams
from warehouse import build, rows

EXAMPLES = int(os.environ.get("OFFER_AI_EXAMPLES", "5"))
MARTS = ["sessions", "training_offers", "latest_features", "offer_performance"]
REJECTS = "select source_file, line_number, raw_line, reason from staging.rejected_events"


@st.composite
def batches(draw):
    """The lines of a stream in batches, in random order of arrival; some are empty."""
    lines = [line for file in draw(streams()) for line in file]
    shuffle = random.Random(draw(st.integers(0, 1 << 30)))
    count = draw(st.integers(2, 4))
    parts = [[] for _ in range(count)]
    for line in lines:
        shuffle.choice(parts).append(line)
    one = draw(st.booleans())
    return parts + ([[parts[0].pop()]] if one and parts[0] else [])


@settings(max_examples=EXAMPLES, deadline=None, phases=PHASES,
          suppress_health_check=list(HealthCheck))
@given(batches())
def test_batches_equal_a_full_build(parts):
    with tempfile.TemporaryDirectory() as folder:
        events = Path(folder, "events")
        events.mkdir()
        grown, whole = Path(folder, "grown.duckdb"), Path(folder, "whole.duckdb")
        for number, lines in enumerate(parts):
            # Names that do not sort in order of arrival.
            (events / f"{number * 7 % 5}.ndjson").write_bytes(b"\n".join(lines))
            build(events, grown)
        build(events, whole)
        for mart in MARTS:
            same(rows(grown, f"from marts.{mart}"), rows(whole, f"from marts.{mart}"))
        same(rows(grown, REJECTS), rows(whole, REJECTS))
        same(rows(grown, "select * exclude (file_id) from staging.stg_events"),
             rows(whole, "select * exclude (file_id) from staging.stg_events"))
