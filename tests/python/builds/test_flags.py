"""dbt's own flags: whatever was run before, the next plain build is right."""

import duckdb
import pytest
from click import ClickException

from built import BuildError, build_and_test, dbt, edited, rows, write_events
from commands import environment, export, run
from compared import same_warehouses
from offer_ai.warehouse.connection import open_warehouse


def day(number: int) -> list[dict]:
    own = {"event_time": f"2025-01-0{number}T10:00:00", "session_id": f"s{number}"}
    return [own, own | {"event_id": "purchase", "txn_amount": "1", "event_uuid": f"p{number}"},
            own | {"event_id": "offer_shown", "offer_type": "x", "offer_price": "1"}]


@pytest.mark.long
def test_whatever_was_run_the_next_build_is_right(tmp_path):
    events, database = tmp_path / "events", tmp_path / "w.duckdb"
    write_events(events / "1.ndjson", *day(1))
    build_and_test(events, database, "--empty")
    assert rows(database, "from marts.sessions") == []
    build_and_test(events, database)
    build_and_test(events, database, "--empty")
    write_events(events / "2.ndjson", *day(2))
    build_and_test(events, database, "--select", "session_rollups")
    build_and_test(events, database, "--select", "+stg_purchases")
    write_events(events / "3.ndjson", *day(2), *day(3))
    build_and_test(events, database, "--select", "new_files", "landed_events", "landed_files",
          "rejected_events")
    build_and_test(events, database, "--full-refresh", "--select", "session_rollups")
    write_events(events / "4.ndjson", *day(4))
    dbt("run", "--exclude", "offer_labels", events=events, database=database)
    build_and_test(events, database, "--threads", "4")
    assert rows(database, """
        select count(*) as sessions, sum(purchase_amount)::int as paid from marts.sessions
        """) == [{"sessions": 4, "paid": 4}]
    whole = tmp_path / "whole" / "w.duckdb"
    build_and_test(events, whole)
    same_warehouses(database, whole)


def test_what_a_build_left_half_done_is_not_published(tmp_path):
    """A day later labels look mature that were not summed up again. It can be looked at."""
    events, database = tmp_path / "events", tmp_path / "w.duckdb"
    write_events(events / "1.ndjson", *day(1))
    dbt("run", events=events, database=database)
    with duckdb.connect(str(database)) as con:  # as of a build that was killed while it landed
        con.execute("update landing.landed_events set file_id = file_id + 1")
    with pytest.raises(ClickException, match="did not go through"):
        open_warehouse(database)
    with duckdb.connect(str(database)) as con:
        con.execute("update landing.landed_events set file_id = file_id - 1")
    open_warehouse(database).close()
    write_events(events / "2.ndjson", *day(9))
    dbt("run", "--exclude", "offer_labels", events=events, database=database)
    for kind in ("marts", "training", "latest"):
        said = export(tmp_path, kind, check=False)
        assert said.returncode and "did not go through: run `.venv/bin/dbt build`" in said.stderr
        assert "Traceback" not in said.stderr
    assert "6 lines = 6 events" in run("summary", env=environment(tmp_path)).stdout
    dbt("run", events=events, database=database)
    assert "1 offers of 1 days" in export(tmp_path, "training").stdout


@pytest.mark.long
def test_skipped_models_are_not_counted_as_built(tmp_path):
    """After a view that failed, the log says nothing of that build."""
    project = edited(tmp_path)
    events, database = tmp_path / "events", tmp_path / "w.duckdb"
    write_events(events / "1.ndjson", *day(1))
    build_and_test(events, database, project=project)
    view = project / "models" / "anchors" / "offer_anchors.sql"
    text = view.read_text()
    view.write_text(text + "\nwhere no_such_column")
    write_events(events / "2.ndjson", *day(2))
    with pytest.raises(BuildError, match="changed since the tables were built"):
        build_and_test(events, database, project=project)
    dbt("run", "--full-refresh", "--select", "landed_files", events=events, database=database,
        project=project)
    with pytest.raises(BuildError, match="no_such_column"):
        build_and_test(events, database, project=project)
    view.write_text(text)
    build_and_test(events, database, project=project)
    log = rows(database, "select last_file_id from landing.build_log order by completed_at")
    assert [row["last_file_id"] for row in log] == [2]
    assert len(rows(database, "from marts.training_offers")) == 2
