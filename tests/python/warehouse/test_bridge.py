"""Which of Spark's tables the bridge shows."""

import click
import duckdb
import pytest

from offer_ai.warehouse.bridge import show, stored_tables

pytestmark = pytest.mark.quick
FOLDERS = ("landing.db/build_log", "ann_landing.db/build_log", "ann_anchors.db/offer_features",
           "ann_b_landing.db/build_log", "ann_b_sessions.db/profile_changes", "other.db/landing")


@pytest.fixture
def spark(tmp_path):
    """A folder of Spark's tables, of three people and somebody else."""
    for folder in FOLDERS:
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "part.parquet").touch()
    (tmp_path / "landing.db" / "landed_files").mkdir()  # holds no file
    return tmp_path


@pytest.mark.parametrize(("target_schema", "folders"), [
    ("main", FOLDERS[:1]), ("Ann", FOLDERS[1:3]), ("ann_b", FOLDERS[3:5])])
def test_only_tables_of_the_target_schema(spark, target_schema, folders):
    prefix = "" if target_schema == "main" else f"{target_schema.lower()}_"
    assert stored_tables(spark, target_schema) == {
        folder.removeprefix(prefix).replace(".db/", "."): spark / folder for folder in folders}


def test_without_a_finished_build(spark):
    with pytest.raises(click.ClickException, match=r"no finished Spark build under .* 'eve'"):
        stored_tables(spark, "eve")


@pytest.mark.parametrize("day", ["", "partition_day=2025-01-01"])
def test_what_a_killed_build_had_not_yet_put_in_its_place_is_not_seen(tmp_path, day):
    table = tmp_path / "landing.db" / "build_log"
    for folder in ("", ".spark-staging-1", "_temporary/0/task_1"):
        (table / folder / day).mkdir(parents=True)
        duckdb.sql("select 1 as one").write_parquet(str(table / folder / day / "part.parquet"))
    (tmp_path / "landing.db" / "offer_features" / ".spark-staging-1").mkdir(parents=True)
    (tmp_path / "landing.db" / "offer_features" / ".spark-staging-1" / "a.parquet").touch()
    tables = stored_tables(tmp_path, "main")
    assert tables == {"landing.build_log": table}
    with duckdb.connect() as con:
        show(con, tables)
        assert con.execute("from landing.build_log").fetchall() == [(1,)]
