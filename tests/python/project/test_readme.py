"""What the README shows runs."""

import json
import os
import re

import duckdb
import pytest

from built import build, write_events
from commands import export
from events import offers
from offer_ai.base.settings import ROOT

README = (ROOT / "README.md").read_text()
CONTEXT = {"features": {"country": None}, "features_landed_at": "2025-01-01T00:00:00",
           "target": {"policy_version": "m", "offer_type": "x", "offer_price": "9.99",
                      "propensity": 0.9, "predicted": 1.0, "value": 1.5}}


def test_the_queries_and_snippets(tmp_path, monkeypatch):
    write_events(tmp_path / "events" / "1.ndjson",
                 *(event for day in range(1, 21) for event in offers(day)), {"event_time": "?"},
                 *(event | {"session_id": "decided", "propensity": 1, "policy_version": "caller",
                            "decision_context": json.dumps(CONTEXT)} for event in offers(1, 1)))
    build(tmp_path / "events", tmp_path / "w.duckdb")
    export(tmp_path, "training")
    export(tmp_path, "latest")
    export(tmp_path, "marts")
    queries = re.findall(r"```sql\n(.*?)```", README, re.DOTALL)
    assert len(queries) == 7
    with duckdb.connect(str(tmp_path / "export" / "published.duckdb"), read_only=True) as con:
        for query in queries:
            assert con.execute(query).fetchall()
    (tmp_path / "data").mkdir()
    os.symlink(tmp_path / "export", tmp_path / "data" / "export")
    monkeypatch.chdir(tmp_path)
    snippets = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(snippets) == 3
    shown = {}
    for snippet in snippets:
        exec(snippet, shown)
    assert len(shown["offers"]) == 12 * 3 + 2
    assert shown["lookup"].description.features


@pytest.mark.quick
def test_make_targets_that_are_named_exist():
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"make ([a-z-]+)", README)) - {"if"}:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
