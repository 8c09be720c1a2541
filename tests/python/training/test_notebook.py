"""The notebook in docs runs on a published training table."""

import nbformat
from nbclient import NotebookClient

from built import build, write_events
from commands import export
from events import offers
from offer_ai.base.settings import ROOT


def test_notebook(tmp_path, monkeypatch):
    write_events(tmp_path / "events" / "1.ndjson",
                 *(event for day in range(1, 21) for event in offers(day)))
    build(tmp_path / "events", tmp_path / "w.duckdb")
    export(tmp_path, "training")
    monkeypatch.setenv("OFFER_AI_EXPORT", str(tmp_path / "export"))
    notebook = nbformat.read(ROOT / "docs" / "training_table.ipynb", as_version=4)
    NotebookClient(notebook, timeout=60).execute()
    (output,) = notebook.cells[-2].outputs
    assert output["data"]["text/plain"] == "(18, 19)"
