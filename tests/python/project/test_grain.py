"""Every stored model and every mart says its grain by a test."""

import json
from pathlib import Path

import pytest

from built import TARGET, dbt

pytestmark = pytest.mark.quick
NO_KEY = {"landed_events", "repeated_events"}  # deliveries: two equal lines are two rows


def test_every_stored_model_and_mart_has_a_primary_key(tmp_path):
    dbt("parse", "--write-json", events=tmp_path, database=tmp_path / "w.duckdb")
    nodes = json.loads(Path(TARGET, "manifest.json").read_text())["nodes"]
    with_key = {nodes[test["attached_node"]]["name"] for test in nodes.values()
                if test.get("test_metadata", {}).get("name") == "primary_key"
                and test["attached_node"] in nodes}
    models = {node["name"] for node in nodes.values() if node["resource_type"] == "model"
              and (node["config"]["materialized"] != "view" or node["schema"] == "marts")}
    assert len(models) > 15
    assert models - with_key == NO_KEY
