"""The evaluation of a model's policy, and its promotion."""

import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq

from commands import run, train
from learned import published


def evaluate(folder, model, *arguments):
    return run("evaluate", model, "--training", folder / "training", *arguments)


def test_a_better_policy_is_promoted_once(tmp_path):
    """It beats random logs; it does not beat itself."""
    train(published(tmp_path, rows=20_000))
    (model,) = (tmp_path / "models").iterdir()
    said = evaluate(tmp_path, model, "--promote")
    assert said.returncode == 0, said.stderr
    assert "promoted: lower bound" in said.stdout
    assert "of the logging policy" in said.stdout
    assert json.loads((tmp_path / "models" / "promoted.json").read_text())["model"] == model.name
    again = evaluate(tmp_path, model, "--promote")
    assert "not promoted: lower bound" in again.stdout
    assert not (tmp_path / "models" / "challenger.json").exists()
    other = model.with_name("m-other")
    shutil.copytree(model, other)
    evaluate(tmp_path, other, "--promote")
    challenger = json.loads((tmp_path / "models" / "challenger.json").read_text())
    assert (challenger["model"], challenger["promoted"]) == ("m-other", False)
    assert len((tmp_path / "models" / "decisions.ndjson").read_text().splitlines()) == 3


def test_thompson_needs_bootstrapped_models(tmp_path):
    train(published(tmp_path, rows=20_000), "--bootstraps", "3")
    (model,) = (tmp_path / "models").iterdir()
    said = evaluate(tmp_path, model, "--rule", "thompson")
    assert "dr" in said.stdout, said.stderr
    for path in model.glob("held_out-*"):
        path.unlink()
    said = evaluate(tmp_path, model, "--rule", "thompson")
    assert "run train.py --bootstraps 10" in said.stderr


def test_logs_without_propensity(tmp_path):
    train(published(tmp_path))
    (model,) = (tmp_path / "models").iterdir()
    path = tmp_path / "training" / "v1" / "offers.parquet"
    table = pq.read_table(path)
    index = table.schema.get_field_index("propensity")
    pq.write_table(table.set_column(index, "propensity", pa.nulls(len(table), pa.float64())), path)
    said = evaluate(tmp_path, model)
    assert said.returncode == 1
    assert "log propensities" in said.stderr
