"""The notebook in docs runs on a published training table."""

import nbformat
import pytest
from nbclient import NotebookClient

from built import build, write_events
from commands import export
from offer_ai.base.settings import ROOT
from played import played


@pytest.mark.long
def test_notebook(tmp_path, monkeypatch):
    """It reads, plots, trains and values; what it shows last is what the policy is worth."""
    write_events(tmp_path / "events" / "1.ndjson", *played())
    build(tmp_path / "events", tmp_path / "w.duckdb")
    export(tmp_path, "training")
    monkeypatch.setenv("OFFER_AI_EXPORT", str(tmp_path / "export"))
    notebook = nbformat.read(ROOT / "docs" / "training_table.ipynb", as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 3
    (shown,) = [output["data"]["text/plain"] for output in notebook.cells[-1].outputs
                if output["output_type"] == "execute_result"]
    assert all(name in shown for name in ("dm", "ips", "snips", "dr"))
