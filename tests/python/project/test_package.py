"""Another dbt project has this one as a package: integration_tests, as its users would."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from built import ROOT, rows
from offer_ai.base.settings import SCRIPTS

HOST = ROOT / "integration_tests"


def dbt(folder: Path, *arguments: str, host: Path = HOST, fails: bool = False) -> str:
    """Runs dbt in the host with nothing of this project's environment; returns what it said."""
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith(("OFFER_AI", "DBT_", "PYTHONPATH"))}
    done = subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", "--no-use-colors", "--log-path", folder, *arguments,
         *([] if arguments[0] == "deps" else ["--target-path", folder / "target"])],
        cwd=host, capture_output=True, text=True,
        env=environment | {"SHOP_DB": str(folder / "shop.duckdb"),
                           "SHOP_PACKAGES": str(folder / "packages")})
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done.stdout


@pytest.mark.long
def test_a_model_that_is_called_as_one_of_ours_is_not_read_as_it(tmp_path):
    host = tmp_path / "host"
    shutil.copytree(HOST, host)
    (host / "packages.yml").write_text(f"packages:\n  - local: {ROOT}\n")
    (host / "models" / "sessions.sql").write_text("select 1 as visits\n")
    dbt(tmp_path, "deps", host=host)
    dbt(tmp_path, "seed", host=host)
    said = dbt(tmp_path, "build", host=host, fails=True)
    assert "would read model.shop.sessions, as it has the name of one of its own" in said
    project = host / "dbt_project.yml"
    project.write_text(project.read_text().replace(
        "flags:\n", "flags:\n  require_ref_searches_node_package_before_root: true\n"))
    dbt(tmp_path, "build", host=host)


@pytest.mark.long
def test_another_project_builds_on_this_one(tmp_path):
    database = tmp_path / "shop.duckdb"
    dbt(tmp_path, "deps")
    dbt(tmp_path, "seed")
    dbt(tmp_path, "build")
    # Its models lie and are made where and as dbt does it; ours where it says.
    manifest = json.loads((tmp_path / "target" / "manifest.json").read_text())
    assert {node["schema"] for node in manifest["nodes"].values()
            if node["resource_type"] == "model" and node["package_name"] == "shop"} == {"main"}
    assert "offers" in {node["schema"] for node in manifest["nodes"].values()}
    assert "unit_test" not in {name.split(".")[0] for name in manifest["unit_tests"]}
    assert "seed.offer_ai.offer_candidates" not in manifest["nodes"]
    with duckdb.connect(str(database)) as con:
        con.execute("update main.daily_messages set messages = 0")
        # One event once more, and a new one.
        con.execute("""
            insert into main_raw.game_events by name
            select * replace (timestamp '2025-01-20 12:00:00' as loaded_at)
            from main_raw.game_events where session_id = 'a2'
            union all by name
            select * replace (timestamp '2025-01-20 12:00:00' as event_time)
            from main_raw.game_events where session_id = 'd1'""")
    dbt(tmp_path, "build", "--exclude", "resource_type:seed")
    counts = "select event_count from offers.sessions where session_id in ('a2', 'd1')"
    assert rows(database, counts) == [{"event_count": 2}, {"event_count": 2}]
    # It went through, so the next goes on from here.
    (log,) = rows(database, "select max(last_file_id) as last from landing.build_log")
    assert log == {"last": 2}
    dbt(tmp_path, "build", "--full-refresh", "--exclude", "resource_type:seed")
    assert rows(database, counts) == [{"event_count": 2}, {"event_count": 2}]
    # Its own `full_refresh: false` still holds: the rows of the first build are there.
    assert len(rows(database, "from main.daily_messages where messages = 0")) == 2


@pytest.mark.quick
def test_every_dispatch_names_this_project():
    for path in (SCRIPTS.parent / "macros").rglob("*.sql"):
        for line in path.read_text().splitlines():
            assert "adapter.dispatch(" not in line or ", 'offer_ai')" in line, (path, line)
            # But to know a host, whose vars are beside those that are shipped.
            assert "project_name" not in line or "is_host" in line, (path, line)
