"""Exports as a reader finds them, also after a kill."""

import json
import random
import signal
import sqlite3
import subprocess
import sys
import time

import duckdb
import pytest

from built import build, built_of, rows, write_events
from commands import environment, export, run
from events import offers
from offer_ai.base.settings import SCRIPTS
from offer_ai.features import Lookup, open_store


@pytest.fixture
def built(tmp_path):
    built_of(tmp_path, *offers(1), *offers(2), *offers(9, 1), *offers(15))
    return tmp_path


def test_training_holds_mature_labels_by_day(built):
    export(built, "training")
    manifest = json.loads((built / "export/training/manifest.json").read_text())
    folder = built / "export" / "training" / manifest["version"]
    del manifest["history"]
    assert json.loads((folder / "_manifest.json").read_text()) == manifest
    read = duckdb.sql(f"""
        select offer_day::varchar as day, count(*) from read_parquet(
            '{folder}/*/*.parquet', hive_partitioning = true) group by 1 order by 1""")
    assert read.fetchall() == [("2025-01-01", 3), ("2025-01-02", 3)]
    assert manifest["rows"] == 6
    assert manifest["watermark"] == "2025-01-15T10:00:00Z"
    assert {"name": "offer_price", "type": "DECIMAL(22,4)"} in manifest["schema"]


def test_latest_is_parquet_and_sqlite(built):
    export(built, "latest")
    folder = built / "export" / "latest"
    expected = rows(built / "w.duckdb", "from marts.latest_features order by user_id")
    assert len(expected) == 3
    read = duckdb.sql(f"from read_parquet('{folder}/latest_features.parquet')")
    assert [dict(zip(read.columns, row, strict=True)) for row in read.fetchall()] \
        == expected
    lookup = Lookup(open_store(f"sqlite:///{folder}/latest_features.sqlite", read_only=True))
    names = [feature["name"] for feature in lookup.description.features]
    for row in expected:
        assert lookup.features(row["user_id"], None, row["as_of"]) \
            == {name: row[name] for name in names}
    assert json.loads((folder / "manifest.json").read_text())["rows"] == 3


def test_a_folder_that_the_disk_refuses_is_a_sentence(built):
    (built / "file").touch()
    for name in ("marts", "training", "latest"):
        done = run("export", name, env=environment(built) | {
            "OFFER_AI_EXPORT": str(built / "file" / "export")})
        assert done.returncode == 1
        assert done.stderr.startswith("Error: ") and done.stderr.count("\n") == 1
        assert f"'{built}/file/export'" in done.stderr
    done = run("serve", env=environment(built) | {"OFFER_AI_EVENTS": f"/{'x' * 300}"})
    assert done.stderr == f"Error: OFFER_AI_EVENTS='/{'x' * 300}' cannot be opened: " \
                          "File name too long\n"


@pytest.mark.long
def test_a_killed_export_leaves_a_whole_version(built):
    """Whenever it dies, the manifest names files that are all there."""
    export(built, "training")
    export(built, "latest")
    chance = random.Random(1)
    for round_number in range(3):
        write_events(built / "events" / f"k{round_number}.ndjson",
                     *offers(16 + round_number))
        build(built / "events", built / "w.duckdb")
        for what in ("training", "latest"):
            process = subprocess.Popen(
                [sys.executable, SCRIPTS / "export.py", what],
                env=environment(built), stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL)
            time.sleep(0.2 + chance.random() * 0.5)
            process.send_signal(signal.SIGKILL)
            process.wait()
        folder = built / "export" / "training"
        manifest = json.loads((folder / "manifest.json").read_text())
        (count,) = duckdb.sql(f"""select count(*) from read_parquet(
            '{folder / manifest["version"]}/*/*.parquet')""").fetchone()
        assert count == manifest["rows"] >= 6
        with sqlite3.connect(built / "export/latest/latest_features.sqlite") as con:
            assert con.execute("pragma integrity_check").fetchone() == ("ok",)
    export(built, "training")
    export(built, "latest")
    assert not list((built / "export").glob("**/*.part"))


def test_no_warehouse_is_one_sentence(tmp_path):
    result = export(tmp_path, "training", check=False)
    assert result.returncode == 1
    assert result.stderr.startswith("Error: There is no warehouse at OFFER_AI_DB=")
    assert "make build" in result.stderr
