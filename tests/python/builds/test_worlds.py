"""Random declarations over random events, built batch by batch, against a naive oracle."""

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given

from built import build, build_and_test, copy_project, rows
from compared import same
from streams import builds, write_lines
from worlds import World, line, training, worlds

EXAMPLES = int(os.environ.get("OFFER_AI_WORLDS", "3"))


@builds(EXAMPLES)
@given(worlds())
@pytest.mark.long
def test_whatever_is_declared_holds(world: World):
    """Any split, any anchor, any window and aggregate: after each batch as the words say, with
    every data test."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = copy_project(folder)
        path = project / "dbt_project.yml"
        declared = yaml.safe_load(path.read_text())
        declared["vars"] |= world.variables()
        path.write_text(yaml.safe_dump(declared, sort_keys=False))
        database, landed = folder / "w.duckdb", []
        for number, batch in enumerate(world.batches):
            write_lines(folder / "events" / f"{number}.ndjson", [line(event) for event in batch])
            landed.append(batch)
            run = build_and_test if number == len(world.batches) - 1 else build
            run(folder / "events", database, project=project)
            same(rows(database, "from marts.training_offers"),
                 training(replace(world, batches=landed)))
