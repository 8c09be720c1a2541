"""Erased users are in no byte that the project wrote, and everyone else is as before."""

import contextlib
import hashlib
import itertools
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime
from pathlib import Path

import boto3
import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from built import build, build_and_test, rows, write_events
from commands import environment, export, run
from compared import REJECTS, same, same_warehouses
from events import at, offers
from offer_ai.base.files import file_hash
from offer_ai.base.locks import publishing
from offer_ai.base.settings import SCRIPTS
from offer_ai.erasing import logs
from offer_ai.erasing.parquet import Without, latest
from offer_ai.erasing.whole import Places, elsewhere
from offer_ai.erasing.whole import erase as whole_erase
from offer_ai.features import Lookup, open_store
from offer_ai.serving.decision_log import DecisionLog
from offer_ai.training.versions import Versions, content_version
from servers import new_table
from services import Service
from streams import batches, builds, write_in_any_form
from watches import said, start, stop

EXAMPLES = int(os.environ.get("OFFER_AI_EXAMPLES", "1"))
KILLS = int(os.environ.get("OFFER_AI_KILLS", "3"))
PLANTED = ["planted-7f3a-91", 'o\'x "{{ u }}" 😀 planted']


def erase(folder, *arguments, check=True):
    return run("erase", *arguments, check=check,
               env=environment(folder) | {"OFFER_AI_EVENTS": str(folder / "events")})


def start_erasing(folder, **options) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, SCRIPTS / "erase.py", *PLANTED], text=True, stdout=subprocess.DEVNULL,
        env=environment(folder) | {"OFFER_AI_EVENTS": str(folder / "events")}, **options)


def spellings(user: str) -> set[bytes]:
    """The bytes that an id may be: as it is, and in JSON."""
    return {user.encode(), json.dumps(user)[1:-1].encode(),
            json.dumps(user, ensure_ascii=False)[1:-1].encode()}


def holding(folder: Path, *users: str) -> list[str]:
    """Every file below a folder that holds one of the ids in any byte."""
    wanted = set().union(*map(spellings, users))
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()
                  and any(one in path.read_bytes() for one in wanted))


def of_user(user: str) -> list[dict]:
    """Events of every kind, an offer decided by the service, a repeat, and rejects."""
    own = [at(1, "09:00:00", "s1", "app_launched", country="DK", signin_method="fb"),
           at(1, "09:01:00", "s1"), at(1, "09:01:00", "s1"),
           at(1, "09:02:00", "s1", "purchase", txn_amount="4.99"),
           at(1, "09:03:00", "s1", "purchase", txn_amount="much"),
           at(1, "09:04:00", "s1", "offer_shown", offer_type="x", offer_price="9.99",
              decision_id="d1", propensity=0.5, policy_version="p",
              decision_context=json.dumps({"arm": "policy", "candidates": []})),
           at(9, "09:00:00", "s2")]
    return [event | {"customer_identifier": user} for event in own]


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A built and published warehouse with the planted users, and decisions for them."""
    folder = tmp_path_factory.mktemp("published")
    path = write_events(folder / "events" / "1.ndjson", *offers(1), *offers(2),
                        *(event for user in PLANTED for event in of_user(user)))
    with path.open("a") as file:
        file.write(f'{{"event_id": "game_start", "customer_identifier": {json.dumps(PLANTED[1])}\n')
        file.write("0,planted-7f3a-91,game_start\n")
    log = DecisionLog(folder / "events")
    for user in (*PLANTED, "u1"):
        log.append(offers(1, 1)[0] | {"customer_identifier": user, "session_id": "s"})
    log.close()
    build(folder / "events", folder / "w.duckdb")
    write_events(folder / "events" / "2.ndjson", *offers(20), *of_user(PLANTED[0]))
    build(folder / "events", folder / "w.duckdb")
    for kind in ("marts", "training", "latest"):
        export(folder, kind)
    for raw in ("1.ndjson", "2.ndjson"):
        (folder / "events" / raw).unlink()
    return folder


@pytest.fixture
def place(published, tmp_path):
    """A copy of it."""
    return shutil.copytree(published, tmp_path, dirs_exist_ok=True)


def write_parquet(path: Path, *users: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    duckdb.execute("copy (select unnest($users) as user_id) to $path (format parquet)",
                   {"users": list(users), "path": str(path)})
    return path


def others(folder) -> dict[str, list[dict]]:
    """Every row of the others in what people query, and the lines of files."""
    return {name: [row for row in rows(folder / "w.duckdb", f"from {name}")
                   if row.get("user_id") not in PLANTED]
            for name in ("marts.sessions", "marts.training_offers", "marts.latest_features",
                         "staging.stg_events", "landing.landed_files")}


def test_nothing_of_a_user_is_left(place):
    before = others(place)
    reasons = rows(place / "w.duckdb", "select count(*) as n from landing.rejected_events")
    told = erase(place, "--dry-run", *PLANTED).stdout
    for name in ("warehouse: landing.landed_events", "published.duckdb: marts.sessions",
                 "feature store", "training table", "latest features", "decision log"):
        assert name in told
    assert len(holding(place, *PLANTED)) >= 6
    (place / "ids").write_text("\n".join(PLANTED))
    said = erase(place, "--file", place / "ids")
    (place / "ids").unlink()
    assert "2 users erased" in said.stdout
    assert holding(place, *PLANTED) == []
    for name, expected in before.items():
        same(others(place)[name], expected)
    (receipt,) = (place / "export" / "erasures").glob("*.json")
    found = json.loads(receipt.read_text())
    assert found["users"] == 2
    counts = {one["what"]: one["count"] for one in found["erased"] if one["place"] == "warehouse"}
    assert counts["landing.landed_events"] == 23 and counts["landing.rejected_events"] == 5
    # What is there fits together, and every line is accounted for.
    same(rows(place / "w.duckdb", "select count(*) as n from landing.rejected_events"), reasons)
    assert {row["reason"] for row in rows(place / "w.duckdb", REJECTS)} == {"the user was erased"}
    again = {row["user_id"] for row in rows(place / "export" / "published.duckdb",
                                            "from marts.sessions")}
    assert again == {"u0", "u1", "u2"}
    store = open_store(f"sqlite:///{place}/export/latest/latest_features.sqlite", read_only=True)
    assert sorted(store.user_ids()) == ["u0", "u1", "u2"]
    assert Lookup(store).features(PLANTED[0], None, datetime.now())["country"] is None


def test_the_files_behind_links_are_those_that_are_replaced(place):
    (place / "disk").mkdir()
    for path in (place / "w.duckdb", place / "export" / "published.duckdb"):
        path.symlink_to(path.rename(place / "disk" / path.name))
    erase(place, *PLANTED)
    assert holding(place, *PLANTED) == []
    for path in (place / "w.duckdb", place / "export" / "published.duckdb"):
        assert path.is_symlink()
        assert rows(path, "select distinct user_id from marts.sessions order by 1") == [
            {"user_id": user} for user in ("u0", "u1", "u2")]


@pytest.mark.long
def test_what_lands_later_is_dropped_and_counted(place):
    """Lines of theirs that can be read, and lines that cannot; the others' lines land."""
    erase(place, *PLANTED)
    for decisions in (place / "events").glob("decisions-*"):  # in the copy it has not landed
        decisions.unlink()
    before = rows(place / "w.duckdb", "select count(*) as n from staging.stg_events")[0]["n"]
    path = write_events(place / "events" / "3.ndjson", *of_user(PLANTED[1]), *of_user("other"))
    with path.open("a") as file:
        file.write("{broken " + json.dumps(PLANTED[0]) + "\n{broken \"other\"\n")
    for _ in range(2):
        build_and_test(place / "events", place / "w.duckdb")  # every line is accounted for
        (counts,) = rows(place / "w.duckdb", """
            select count(*) filter (is_erased) as erased, count(*) filter (is_rejected) as rejected,
                count(*) as lines
            from landing.landed_events
            where file_id = (select max(file_id) from landing.landed_files)""")
        assert counts == {"erased": 6, "rejected": 6 + 2 + 2, "lines": 16}
        assert rows(place / "w.duckdb", "select line_count, rejected_count "
                    "from landing.landed_files order by file_id desc limit 1"
                    ) == [{"line_count": 16, "rejected_count": 4}]
        (now,) = rows(place / "w.duckdb", "select count(*) as n from staging.stg_events")
        assert now["n"] == before + 5  # a line of six is a repeat
    texts = rows(place / "w.duckdb", REJECTS + " where source_file like '%3.ndjson'")
    assert sorted((row["raw_line"] or "", row["reason"]) for row in texts if "much" not in (
        row["raw_line"] or "")) == [
            ("", "the user was erased"), ("", "the user was erased"),
            ('{broken "other"', "line is not a JSON object")]
    said = run("summary", env=environment(place)).stdout
    assert "+ 26 of erased users" in said
    assert holding(place, *PLANTED) == ["events/3.ndjson"]
    # The raw file is named until it is gone.
    assert "events/3.ndjson" in erase(place, PLANTED[1]).stdout
    path.unlink()
    assert "events/3.ndjson" not in erase(place, PLANTED[1]).stdout


def test_raw_files_are_named_while_they_are_there(published, place):
    """Whatever they hold by now, in a dry run too."""
    raw = published / "events" / "1.ndjson"
    raw.write_text("{}\n")
    try:
        for arguments in (["--dry-run"], [], ["--dry-run"]):
            assert f"not changed: {raw}\n" in erase(place, *arguments, PLANTED[0]).stdout
    finally:
        raw.unlink()
    assert str(raw) not in erase(place, PLANTED[0]).stdout


def test_models_fitted_to_them_are_named(place):
    model = place / "export" / "models" / "m1"
    model.mkdir(parents=True)
    days = {"days": {"model": ["2025-01-01", "2025-01-01"]}}
    (model / "model.json").write_text(json.dumps({"training": days}))
    later = place / "export" / "models" / "m2"
    later.mkdir()
    (later / "model.json").write_text(json.dumps(
        {"training": {"days": {"model": ["2025-01-02", "2025-02-01"]}}}))
    (model.parent / "promoted.json").write_text(json.dumps({"model": "m1"}))
    for _ in range(2):  # the second time nothing is left that would tell
        said = erase(place, PLANTED[0]).stdout
        assert "m1 (serving) was fitted to days of theirs: run scripts/train.py" in said
        assert "m2" not in said
    (model / "model.json").write_text(json.dumps({"training": days, "kind": "effects"}))
    assert (f"run scripts/learn.py --once --every-days 0; when it no longer serves, rm -r {model}"
            in erase(place, PLANTED[0]).stdout)
    (model / "model.json").unlink()
    assert "m1" not in erase(place, PLANTED[0]).stdout


@pytest.mark.long
@builds(EXAMPLES)
@given(batches(), st.integers(0, 1 << 30))
def test_batches_with_users_erased_between_equal_a_full_build(parts, seed):
    """A full build of a warehouse that was told from the start who is erased."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        events, export_folder = Path(folder, "events"), Path(folder, "export")
        grown, whole = Path(folder, "w.duckdb"), Path(folder, "whole", "w.duckdb")
        for number, lines in enumerate(parts):
            write_in_any_form(events, f"{number * 5 % 7}", lines, chance)
            build(events, grown)
            if chance.random() < 0.7:
                users = chance.sample(["u1", "u2", "7", "o'x \"{{ u }}\" 😀"], chance.randint(1, 2))
                whole_erase(users, Places(grown, export_folder, str(events)), print)
        whole.parent.mkdir()
        with duckdb.connect(str(whole)) as con:
            con.execute(f"attach '{grown}' as grown (read_only)")
            con.execute("create schema landing")
            if con.execute("select 1 from duckdb_tables() where database_name = 'grown' "
                           "and table_name = 'erased_users'").fetchall():
                con.execute("create table landing.erased_users as from grown.landing.erased_users")
        build(events, whole)
        build_and_test(events, grown)
        same_warehouses(grown, whole)
        same(rows(grown, "select * exclude (file_id) from staging.stg_events"),
             rows(whole, "select * exclude (file_id) from staging.stg_events"))
        lines = """
            select source_file, line_count, rejected_count, count(*) filter (is_erased) as erased
            from landing.landed_files inner join landing.landed_events using (file_id)
            group by all"""
        same(rows(grown, lines), rows(whole, lines))


@pytest.mark.long
def test_killed_at_random_moments(place):
    """And simply run again; before the end nothing of it is half."""
    chance, killed = random.Random(3), 0
    began = time.monotonic()
    before = others(place)
    erase(place, "--dry-run", *PLANTED)
    length = time.monotonic() - began
    for _ in range(KILLS):
        process = start_erasing(place)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0.3, 1) * length)
        killed += process.poll() is None
        process.kill()
        process.wait()
    assert killed
    erase(place, *PLANTED)
    assert holding(place, *PLANTED) == []
    for name, expected in before.items():
        same(others(place)[name], expected)


@pytest.mark.long
def test_other_places(place, aws, valkey, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    client, bucket = boto3.client("s3"), f"bucket-{time.time_ns()}"
    client.create_bucket(Bucket=bucket)
    target = f"s3://{bucket}/some/prefix"
    stores = [f"{valkey.connection_url}?prefix={place.name}",
              new_table(aws, f"features-{time.time_ns()}")]
    for url in stores:
        export(place, "latest", "--to", url)
    export(place, "training", "--to", target)
    erase(place, *(f"--store={url}" for url in stores), "--training", target, PLANTED[0])
    for url in stores:
        store = open_store(url)
        assert sorted(store.user_ids()) == sorted([PLANTED[1], "u0", "u1", "u2"])
        assert store.description().as_of
    objects = {entry["Key"]: client.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
               for entry in client.list_objects_v2(Bucket=bucket)["Contents"]}
    assert not [key for key, text in objects.items() if PLANTED[0].encode() in text]
    manifest = json.loads(objects["some/prefix/manifest.json"])
    for file in manifest["files"]:
        text = objects[f"some/prefix/{manifest['version']}/{file['path']}"]
        assert hashlib.sha256(text).hexdigest() == file["sha256"]
    # It is the version that is published of what is left.
    assert "0 days sent" in export(place, "training", "--to", target).stdout


def test_latest_features_beside_which_something_was_killed(tmp_path):
    """After a first publish they have no manifest, after an erasure that of the file before."""
    parquet, manifest = tmp_path / "latest_features.parquet", tmp_path / "manifest.json"
    duckdb.execute(f"copy (select unnest(['u', 'v', 'w']) as user_id) to '{parquet}'")
    (found,) = latest(parquet, Without(["u"]), dry_run=False)
    assert (found.count, manifest.exists()) == (1, False)
    assert duckdb.execute(f"select user_id from '{parquet}'").fetchall() == [("v",), ("w",)]
    told = {"rows": 3, "watermark": None, "files": [{"path": parquet.name, "sha256": "before"}]}
    manifest.write_text(json.dumps(told))
    assert latest(parquet, Without(["u"]), dry_run=True) == []
    assert json.loads(manifest.read_text()) == told
    assert latest(parquet, Without(["u"]), dry_run=False) == []
    assert json.loads(manifest.read_text()) == told | {
        "rows": 2, "files": [{"path": parquet.name, "sha256": file_hash(parquet)}]}


@pytest.mark.parametrize("killed", ["erasure", "publish", "first publish"])
def test_versions_that_no_manifest_lists_go(tmp_path, monkeypatch, killed):
    """Whatever was killed between a version and its manifest, or before the old one was removed."""
    target = tmp_path / "export" / "training"

    def publish(user, versions, keep=5):
        day = write_parquet(tmp_path / "source" / "day.parquet", user, "other")
        files = [{"path": day.name, "rows": 2, "sha256": file_hash(day)}]
        versions.publish({"version": content_version(files), "rows": 2, "files": files},
                         day.parent, keep)

    def erase_training(users, dry_run=False):
        places = Places(tmp_path, tmp_path / "export", str(tmp_path / "none"), has_warehouse=False)
        return elsewhere(users, places, dry_run)

    class Killed(BaseException):
        pass

    def kill(*_):
        raise Killed

    if killed != "first publish":
        publish("other", Versions(str(target)))
    if killed == "erasure":
        publish(PLANTED[0], Versions(str(target)))
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Versions, "_prune" if killed == "erasure" else "_write_json", kill)
        if killed == "erasure":
            erase_training(PLANTED)
        publish(PLANTED[0], Versions(str(target)))
    assert holding(target, PLANTED[0])
    erase_training(PLANTED, dry_run=True)
    assert holding(target, PLANTED[0])
    erase_training(PLANTED)
    assert holding(target, PLANTED[0]) == []
    assert len(Versions(str(target)).kept()) == {"erasure": 2, "publish": 1, "first publish": 0}[
        killed]


def test_a_publish_that_runs_keeps_its_version(tmp_path):
    """It is in no manifest yet; an erasure comes after it."""
    version = tmp_path / "training" / f"v{1:016x}"
    version.mkdir(parents=True)
    (tmp_path / ".training.part").mkdir()
    places = Places(tmp_path, tmp_path, str(tmp_path / "none"), has_warehouse=False)
    with publishing(tmp_path):
        erasing = threading.Thread(target=elsewhere, args=(PLANTED, places, False))
        erasing.start()
        erasing.join(0.5)
        assert version.exists() and (tmp_path / ".training.part").exists()
    erasing.join()
    assert not version.exists() and not (tmp_path / ".training.part").exists()


def test_an_id_is_found_in_logs_as_each_version_of_the_service_wrote_it(tmp_path):
    path = tmp_path / "decisions-1.ndjson"
    for user, is_ascii in ((PLANTED[1], True), (PLANTED[1], False), ("u1", True)):
        with path.open("a") as file:
            file.write(json.dumps({"customer_identifier": user}, ensure_ascii=is_ascii) + "\n")
    (found,) = logs.decisions(tmp_path, [PLANTED[1]], dry_run=False)
    assert found.count == 2
    assert path.read_text().split() == ['{"customer_identifier":', '"u1"}']


def test_logs_of_decisions_that_lie_elsewhere(place):
    """Where none is looked into, the command and the receipt say so."""
    (place / "events").rename(place / "decisions")
    for arguments, is_found in (([], False), (["--logs", place / "decisions"], True)):
        receipt = place / f"{is_found}.json"
        done = erase(place, *arguments, "--receipt", receipt, *PLANTED)
        assert ("No folder was looked into" not in done.stderr) == is_found
        assert (json.loads(receipt.read_text())["not_looked_into"] == []) == is_found
        assert (holding(place, *PLANTED) == []) == is_found


def test_a_dry_run_takes_nothing_from_under_an_erasure(place):
    copies = place / "export" / ".erasing.part" / "v1"
    copies.mkdir(parents=True)
    (place / "events" / ".decisions-1.ndjson.part").touch()
    erase(place, "--dry-run", "u1")
    assert copies.is_dir()
    assert (place / "events" / ".decisions-1.ndjson.part").exists()


def test_without_the_warehouse_what_was_published_of_it_stays(place):
    """The receipt says what is gone, and the command what is not."""
    done = erase(place, "--no-warehouse", PLANTED[0])
    assert "published.duckdb still holds them: run `make export`" in done.stderr
    assert "published.duckdb: " not in done.stdout


def test_ids_of_a_file_with_a_byte_order_mark(place):
    (place / "ids").write_text(f"\ufeff{PLANTED[0]}\r\n")
    assert "landing.landed_events" in erase(place, "--dry-run", "--file", place / "ids").stdout


def hold(database: Path) -> subprocess.Popen:
    """Another process that has the file open to write, and writes, until it reads a line."""
    holder = subprocess.Popen(
        [sys.executable, "-c", "import duckdb, sys\n"
         "con = duckdb.connect(sys.argv[1])\n"
         "con.execute('create table mine as from marts.sessions')\n"
         "print('open', flush=True)\ninput()\ncon.execute('drop table mine')",
         database], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "open\n"
    return holder


@pytest.mark.long
def test_while_somebody_writes_into_the_published_database(place):
    """A dry run passes it over; an erasure waits, as the log is applied to whatever file follows.
    What is left of that log by one who was killed goes."""
    holder = hold(place / "export" / "published.duckdb")
    told = erase(place, "--dry-run", *PLANTED)
    assert "it is not looked into" in told.stderr and "published.duckdb" not in told.stdout
    erasing = start_erasing(place, stderr=subprocess.PIPE)
    assert "waiting until nobody has published.duckdb open" in erasing.stderr.readline()
    holder.kill()
    holder.wait()
    assert erasing.wait() == 0
    assert holding(place, *PLANTED) == []
    assert rows(place / "export" / "published.duckdb",
                "select 1 from duckdb_tables() where table_name = 'mine'") == []


@pytest.mark.long
def test_while_others_are_at_work(place):
    """A build that holds the warehouse is waited for, a reader of the store and a service go on."""
    store = sqlite3.connect(place / "export" / "latest" / "latest_features.sqlite")
    log = DecisionLog(place / "events", seconds=3600)
    log.append(offers(3, 1)[0] | {"customer_identifier": PLANTED[0], "session_id": "s"})
    log.append(offers(3, 1)[0] | {"session_id": "s"})
    holder = hold(place / "w.duckdb")
    assert store.execute("select count(*) from latest_features").fetchone() == (5,)
    erasing = start_erasing(place, stderr=subprocess.PIPE)
    assert "waiting until no build" in erasing.stderr.readline()
    holder.communicate("\n")
    assert erasing.wait() == 0
    assert store.execute("select count(*) from latest_features").fetchone() == (3,)
    log.append(offers(3, 1)[0] | {"customer_identifier": "u2", "session_id": "s"})
    log.close()
    assert holding(place, *PLANTED) == []
    build_and_test(place / "events", place / "w.duckdb")
    assert rows(place / "w.duckdb", "select line_count from landing.landed_files "
                "order by file_id desc limit 1") == [{"line_count": 2}]


@pytest.mark.long
def test_beside_a_watch_and_a_service(place):
    """Both go on: what lands meanwhile is there, what is answered is logged, and nobody who was
    erased comes back."""
    for path in (place / "events").iterdir():  # in the copy they have not landed
        path.unlink()
    answered, has_ended = [], threading.Event()

    def ask():
        for number in itertools.count():
            answered.append(service.decide(user_id="u1", session_id=f"s{number}")["decision_id"])
            if has_ended.wait(0.02):
                return

    # As a round begins, so that one waits for the other.
    write_events(place / "events" / "3.ndjson", *of_user(PLANTED[0]), *of_user("new"), *offers(30))
    with Service(place) as service:
        answered.append(service.decide(user_id=PLANTED[0])["decision_id"])
        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        watch = start(environment(place) | {"OFFER_AI_EVENTS": str(place / "events")})
        try:
            said(watch, "round 1")
            write_events(place / "events" / "4.ndjson", *of_user(PLANTED[1]), *of_user("newer"))
            said_of_erasing = erase(place, *PLANTED, check=False)
            assert said_of_erasing.returncode == 0, said_of_erasing.stderr
            write_events(place / "events" / "5.ndjson", *of_user(PLANTED[0]), *of_user("newest"))
            store = open_store(f"sqlite:///{place}/export/latest/latest_features.sqlite",
                               read_only=True)
            while "newest" not in (users := set(store.user_ids())):
                said(watch, "round")
            assert users == {"u0", "u1", "u2", "new", "newer", "newest"}
        finally:
            has_ended.set()
            asking.join()
            stop(watch)
    DecisionLog(place / "events").close()
    lines = [json.loads(line) for path in (place / "events").glob("decisions-*")
             for line in path.read_text().splitlines() if line.strip()]
    assert {line["decision_id"] for line in lines} == set(answered[1:])
    for name in ("3", "4", "5"):  # they are the producer's
        (place / "events" / f"{name}.ndjson").unlink()
    assert holding(place, *PLANTED) == []


def test_a_store_with_a_blank_in_its_path(place):
    """One store is named by the variable, which is not a list."""
    shutil.move(place / "export" / "latest" / "latest_features.sqlite", place / "my features")
    env = environment(place) | {"OFFER_AI_EVENTS": str(place / "events")}
    url = f"sqlite:///{place}/my features"
    done = run("erase", *PLANTED, env=env | {"OFFER_AI_STORE": url})
    assert done.returncode == 0, done.stderr
    assert f"2 feature store: {url}" in done.stdout
    assert holding(place, *PLANTED) == []


def test_a_store_beside_that_of_the_environment(place):
    """Both are looked into, and none twice."""
    default = place / "export" / "latest" / "latest_features.sqlite"
    urls = [f"sqlite:///{shutil.copy(default, place / name)}" for name in "ab"]
    env = environment(place) | {"OFFER_AI_EVENTS": str(place / "events"), "OFFER_AI_STORE": urls[0]}
    told = run("erase", "--dry-run", f"--store={urls[1]}", f"--store={urls[1]}",
               f"--store=sqlite:///{default}", PLANTED[0], env=env).stdout
    assert told.count("feature store: ") == 3
    assert all(told.count(f"feature store: {url}\n") == 1 for url in urls)


def test_a_place_that_is_not_there_is_told_before_anything_changes(place):
    before = holding(place, *PLANTED)
    for wrong, told in ((f"--store=sqlite:///{place}/none", "There is no feature store at"),
                        (f"--training={place}/trainig", "/trainig holds no training table")):
        for options in ((), ("--dry-run",)):
            done = erase(place, wrong, *options, *PLANTED, check=False)
            assert told in done.stderr and "Traceback" not in done.stderr
    assert holding(place, *PLANTED) == before
    assert not (place / "trainig").exists()


def test_what_cannot_be_erased_says_why(tmp_path):
    env = environment(tmp_path) | {"OFFER_AI_EVENTS": str(tmp_path)}
    assert "Name users" in run("erase", env=env).stderr
    assert "There is no warehouse" in run("erase", "u", env=env).stderr
    with duckdb.connect(str(tmp_path / "w.duckdb")) as con:
        con.execute("create schema landing; create table landing.landed_events (user_id varchar)")
    assert "dbt build --full-refresh" in run("erase", "u", env=env).stderr
    with duckdb.connect(str(tmp_path / "w.duckdb")) as con:
        con.execute("drop table landing.landed_events; "
                    "create view landing.landed_events as select 'u' as user_id")
    assert "tables of Spark" in run("erase", "u", env=env).stderr
    with duckdb.connect(str(tmp_path / "w.duckdb")):
        assert "cannot be opened" in run("erase", "u", "--wait", "0.1", env=env).stderr
