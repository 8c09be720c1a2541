"""The models that are written of a declared decision point."""

import shutil

import pytest

from offer_ai.base import declarations
from offer_ai.base.settings import ROOT
from offer_ai.warehouse.decision_models import FOLDER, write_models

pytestmark = pytest.mark.quick


def test_files_are_called_as_relations_are(tmp_path, monkeypatch):
    """Whatever the point is called: dbt takes a model's name from its file."""
    shutil.copy(ROOT / "dbt_project.yml", tmp_path)
    monkeypatch.setattr(declarations, "decision_points", lambda: {"milestone_rewards": {
        "name": "milestone_rewards", "one": "reward", "time": "given_at", "id": "reward_id"}})
    written = {path.name for path in write_models(tmp_path)}
    assert {"training_milestone_rewards.sql", "reward_features.sql",
            "reward_policies.yml"} < written
    for path in (tmp_path / FOLDER).glob("*.yml"):
        assert "milestreward" not in path.read_text() + path.name
