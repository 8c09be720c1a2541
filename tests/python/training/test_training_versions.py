"""Versions of the training table, in a directory and in S3, as readers find them."""

import importlib.metadata
import json
import os
import subprocess
import sys
import time

import boto3
import duckdb
import pandas
import polars
import pytest

from built import build, built_of, write_events
from commands import PATHS, environment, export
from events import offers
from offer_ai.bench.runs import free_port
from offer_ai.training.versions import PublishError, Versions
from offer_ai.training.writing import write_training
from offer_ai.warehouse.connection import open_warehouse
from servers import CREDENTIALS


@pytest.fixture(params=["directory", pytest.param("s3", marks=pytest.mark.long)])
def place(request, tmp_path):
    """A built warehouse and where to publish: (folder, target, read), `read` a function
    from a path below the target to bytes."""
    built_of(tmp_path, *offers(1), *offers(2), *offers(15))
    if request.param == "directory":
        folder = tmp_path / "training"
        return tmp_path, str(folder), lambda name: (folder / name).read_bytes()
    endpoint = request.getfixturevalue("aws")
    bucket = f"bucket-{time.time_ns()}"
    client = boto3.session.Session().client("s3", endpoint_url=endpoint, region_name="us-east-1")
    client.create_bucket(Bucket=bucket)
    request.getfixturevalue("monkeypatch").setenv("AWS_ENDPOINT_URL", endpoint)
    request.getfixturevalue("monkeypatch").setenv("AWS_REGION", "us-east-1")
    return tmp_path, f"s3://{bucket}/some/prefix", lambda name: client.get_object(
        Bucket=bucket, Key=f"some/prefix/{name}")["Body"].read()


def more(folder, name, *events):
    write_events(folder / "events" / name, *events)
    build(folder / "events", folder / "w.duckdb")


def test_versions(place):
    """Immutable, complete, and an unchanged day is not sent again."""
    folder, target, read = place
    said = export(folder, "training", "--to", target)
    assert "6 offers of 2 days" in said.stdout, said.stderr
    assert "2 days sent, 0 unchanged" in said.stdout
    first = json.loads(read("manifest.json"))
    assert [file["rows"] for file in first["files"]] == [3, 3]
    assert first["features"][0]["definition"] == {"as_of": "user_profiles", "value": "country"}
    assert first["code_version"].startswith("1.0.0+")

    said = export(folder, "training", "--to", target)
    assert "0 days sent, 2 unchanged" in said.stdout
    more(folder, "2.ndjson", *offers(3), *offers(20))
    said = export(folder, "training", "--to", target, "--keep", "2")
    assert "1 days sent, 2 unchanged" in said.stdout
    second = json.loads(read("manifest.json"))
    assert second["history"] == [first["version"], second["version"]]
    for manifest in (first, second):
        for file in manifest["files"]:
            assert read(f"{manifest['version']}/{file['path']}")[:4] == b"PAR1"

    more(folder, "3.ndjson", *offers(4), *offers(28))
    export(folder, "training", "--to", target, "--keep", "2")
    third = json.loads(read("manifest.json"))
    assert third["history"] == [second["version"], third["version"]]
    with pytest.raises(Exception, match=r"NoSuchKey|No such file"):
        read(f"{first['version']}/_manifest.json")


@pytest.mark.quick
def test_a_file_is_taken_over_where_there_are_no_links(tmp_path, monkeypatch):
    def refused(*_):
        raise PermissionError("no hard links here")

    monkeypatch.setattr(os, "link", refused)
    held, target = tmp_path / "held", tmp_path / "target"
    held.write_bytes(b"PAR1")
    target.write_bytes(b"what a killed publish left")
    Versions(str(tmp_path))._take_over(str(held), str(target))
    assert target.read_bytes() == b"PAR1"


def test_a_cut_off_publish_leaves_the_last_version(place, monkeypatch):
    folder, target, read = place
    export(folder, "training", "--to", target)
    first = json.loads(read("manifest.json"))
    more(folder, "2.ndjson", *offers(3), *offers(4), *offers(20))
    code = """
import os, signal, sys
from pathlib import Path
from offer_ai.training.writing import publish_training
from offer_ai.training.versions import Versions
from offer_ai.warehouse.connection import open_warehouse
send, count = Versions._send, [0]
def cut(self, source, target):
    count[0] += 1
    if count[0] == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    send(self, source, target)
Versions._send = cut
folder = Path(sys.argv[2])
publish_training(open_warehouse(folder / "w.duckdb"), Versions(sys.argv[1]), folder / "part", 5)
"""
    done = subprocess.run([sys.executable, "-c", code, target, folder],
                          env=environment(folder) | PATHS)
    assert done.returncode == -9
    assert json.loads(read("manifest.json")) == first
    for file in first["files"]:
        assert read(f"{first['version']}/{file['path']}")[-4:] == b"PAR1"
    assert "2 days sent, 2 unchanged" in export(folder, "training", "--to", target).stdout
    assert json.loads(read("manifest.json"))["rows"] == 12


def written(folder, before=None):
    """What write_training says of the warehouse of a folder, and the days that it wrote."""
    out = folder / f"{time.time_ns()}"
    out.mkdir()
    with open_warehouse(folder / "w.duckdb") as con:
        manifest = write_training(con, out, before=before)
    return manifest, [path.parent.name for path in sorted(out.glob("*/*.parquet"))]


def test_days_whose_rows_are_the_same_are_not_written_again(tmp_path):
    """A purchase that comes late changes labels of the last two of three days, and no count."""
    more(tmp_path, "1.ndjson", *offers(1), *offers(3), *offers(5), *offers(20))
    first, days = written(tmp_path)
    assert days == ["offer_day=2025-01-01", "offer_day=2025-01-03", "offer_day=2025-01-05"]
    again, days = written(tmp_path, first)
    assert days == [] and again["files"] == first["files"] and again["version"] == first["version"]
    (offer, *_) = (event for event in offers(3) if event["event_id"] == "offer_shown")
    more(tmp_path, "2.ndjson", offer | {
        "event_id": "purchase", "txn_amount": "1.25", "event_time": "2025-01-09T23:00:00"})
    changed, days = written(tmp_path, first)
    whole, _ = written(tmp_path)
    assert days == ["offer_day=2025-01-03", "offer_day=2025-01-05"]
    for what in ("files", "digests", "version", "rows", "schema"):
        assert changed[what] == whole[what]
    other_version = {path: digest.replace("-", "0-") for path, digest in first["digests"].items()}
    assert len(written(tmp_path, first | {"digests": other_version})[1]) == 3


def test_a_day_is_written_again_when_what_was_noted_of_it_changes(tmp_path):
    context = json.dumps({"candidates": [], "arm": "policy", "holdout_share": 0.05})
    built_of(tmp_path, *(
        event | ({"decision_context": context} if event["event_id"] == "offer_shown" else {})
        for event in (*offers(1), *offers(2), *offers(15))))
    first, days = written(tmp_path)
    assert len(days) == 2 and written(tmp_path, first)[1] == []
    with duckdb.connect(tmp_path / "w.duckdb") as con:
        con.execute("update staging.stg_decisions set arm = 'holdout' "
                    "where event_time::date = '2025-01-02'")
    changed, days = written(tmp_path, first)
    assert days == ["offer_day=2025-01-02"] and changed["files"] == written(tmp_path)[0]["files"]
    assert changed["version"] != first["version"]


def test_readers(place):
    """DuckDB (through httpfs for S3), pandas and polars read a version as it lies."""
    folder, target, read = place
    export(folder, "training", "--to", target)
    manifest = json.loads(read("manifest.json"))
    version = f"{target}/{manifest['version']}"
    con = duckdb.connect()
    if target.startswith("s3://"):
        import os

        extension = next(
            file.locate() for file in importlib.metadata.files("duckdb-extension-httpfs")
            if file.name.endswith(".duckdb_extension"))
        host = os.environ["AWS_ENDPOINT_URL"].removeprefix("http://")
        con.execute(f"load '{extension}'")
        con.execute(f"""create secret (type s3, key_id 'test', secret 'test', endpoint '{host}',
            use_ssl false, url_style 'path')""")
    else:
        frame = pandas.read_parquet(
            version, filters=[("offer_day", "==", "2025-01-02")], engine="pyarrow")
        assert len(frame) == 3
        assert frame["offer_price"].map(str).unique().tolist() == ["9.9900"]
        frame = polars.read_parquet(f"{version}/*/*.parquet", hive_partitioning=True)
        assert str(frame["offer_price"].unique().item()) == "9.9900"
        assert frame["offer_day"].value_counts().sort("offer_day")["count"].to_list() == [3, 3]
    found = con.execute(f"""
        select offer_day::varchar, count(*) from read_parquet(
            '{version}/*/*.parquet', hive_partitioning = true) group by 1 order by 1""")
    assert found.fetchall() == [("2025-01-01", 3), ("2025-01-02", 3)]


@pytest.mark.long
def test_the_same_offers_give_the_same_bytes(tmp_path):
    """In warehouses that were built in another order, of a day beyond one row group."""
    many = [event | {"customer_identifier": f"u{n}"} for n in range(130_000)
            for event in offers(1, 1)]
    late = offers(20)
    manifests = []
    for name, parts in (("a", [many, late]), ("b", [late, many[::-1]])):
        for number, part in enumerate(parts):
            write_events(tmp_path / name / f"{number}.ndjson", *part)
            build(tmp_path / name, tmp_path / f"of-{name}" / "w.duckdb")
        folder = tmp_path / f"{name}.out"
        folder.mkdir()
        with open_warehouse(tmp_path / f"of-{name}" / "w.duckdb") as con:
            manifests.append(write_training(con, folder))
    assert manifests[0]["rows"] == 130_000
    assert manifests[0]["files"] == manifests[1]["files"]
    assert manifests[0]["version"] == manifests[1]["version"]


def test_a_bucket_that_does_not_exist(aws, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws)
    with pytest.raises(PublishError, match="There is no bucket 'nowhere' "):
        Versions("s3://nowhere/prefix")


def test_a_server_that_is_down(monkeypatch):
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(PublishError, match="s3://bucket/prefix cannot be reached"):
        Versions("s3://bucket/prefix")


def test_no_credentials(aws, monkeypatch, tmp_path):
    for name in CREDENTIALS:
        if "KEY" in name:
            monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with pytest.raises(PublishError, match="No AWS credentials were found: set"):
        Versions("s3://bucket/prefix")


@pytest.mark.quick
def test_a_version_that_comes_again_is_the_last_one(tmp_path):
    """Versions are kept in order of their last use, and every one that is named is there."""
    versions, source = Versions(str(tmp_path / "training")), tmp_path / "source"
    source.mkdir()
    one, two, three = (f"v{number:016x}" for number in (1, 2, 3))
    for version, kept in ((one, [one]), (two, [one, two]), (one, [two, one]),
                          (three, [one, three]), (three, [one, three]), (one, [three, one])):
        (source / "day").write_text(version)
        versions.publish({"version": version, "files": [{"path": "day", "sha256": version}]},
                         source, keep=2)
        assert versions.current()["history"] == kept
        assert [manifest["version"] for manifest in versions.kept()] == kept
        assert sorted(path.name for path in (tmp_path / "training").glob("v*")) == sorted(kept)
        assert versions.current()["version"] == version
        assert (tmp_path / "training" / version / "day").read_text() == version


def test_what_is_no_version_is_left_alone(tmp_path):
    """Somebody publishes into a folder that holds more."""
    versions = Versions(str(tmp_path))
    for name in ("venv", "v1", "videos.part", "v0123456789abcdef", "vfedcba9876543210"):
        (tmp_path / name).mkdir()
    for name in ("notes.part", ".manifest.json.part"):
        (tmp_path / name).touch()
    versions._prune(["vfedcba9876543210"])
    assert {path.name for path in tmp_path.iterdir()} == {
        "venv", "v1", "videos.part", "vfedcba9876543210", "notes.part"}


def test_a_place_that_is_none(tmp_path):
    with pytest.raises(PublishError, match="'gs://bucket/x' is neither a directory nor s3://"):
        Versions("gs://bucket/x")
