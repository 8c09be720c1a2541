"""Where the warehouse, the events and the project lie."""

import shutil
import subprocess
import sys

import pytest

from built import ROOT, BuildError, build, rows, write_events
from commands import run_command
from offer_ai.warehouse.connection import RESERVED


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_name_that_is_taken_is_one_sentence(tmp_path, name):
    write_events(tmp_path / "f.ndjson", {})
    with pytest.raises(BuildError, match=f"'{name}' is taken. Give the file another name"):
        build(tmp_path / "f.ndjson", tmp_path / f"{name}.duckdb")
