"""Where the warehouse, the events and the project lie."""

import os
import subprocess
import sys

import pytest

from built import ROOT, BuildError, build, rows, write_events
from commands import export
from offer_ai.warehouse.connection import RESERVED, catalog_of


def test_a_name_that_is_taken_is_one_sentence(tmp_path):
    for name in RESERVED:
        with pytest.raises(ValueError, match=f"'{name}' is taken. Give the file another name"):
            catalog_of(tmp_path / f"{name}.of.mine.duckdb")
    with pytest.raises(BuildError, match="'marts' is taken"):
        build(tmp_path / "f.ndjson", tmp_path / "marts.duckdb")


@pytest.mark.long
def test_relative_paths_start_where_the_user_stands(tmp_path):
    """Though dbt works in the project; and a name may have dots."""
    here = tmp_path / "it's {here}"
    write_events(here / "in" / "dt=1" / "a'b[1]*", {})
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith("OFFER_AI")}
    subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", "run", "--quiet", "--project-dir", ROOT,
         "--profiles-dir", ROOT, "--target-path", tmp_path / "target", "--log-path", tmp_path],
        cwd=here, check=True,
        env=environment | {"OFFER_AI_EVENTS": "in", "OFFER_AI_DB": "w.of.mine.duckdb",
                           "PWD": str(here)})
    database = here / "w.of.mine.duckdb"
    assert rows(database, "select event_count from marts.sessions") == [{"event_count": 1}]
    database.rename(here / "w.duckdb")
    export(here, "latest")
