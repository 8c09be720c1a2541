"""Builds the project on Spark, in a session of this process or on a server, and reads it."""

import contextlib
import os
import secrets
import subprocess
import tempfile
from pathlib import Path

from dbt.cli.main import dbtRunner

from built import BuildError
from offer_ai.base.settings import ROOT
from offer_ai.bench import spark_server

WAREHOUSE = tempfile.mkdtemp(prefix="offer_ai_spark_")
ENVIRONMENT = {
    "SPARK_LOCAL_IP": "127.0.0.1", "OFFER_AI_SPARK_WAREHOUSE": WAREHOUSE,
    "OFFER_AI_SPARK_PARTITIONS": "2", "OFFER_AI_SPARK_MEMORY": "3g",
    # What runs for a minute is not worth the second compiler, nor a catalog that outlives a crash.
    "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC "
                        "-Dderby.system.durability=test",
}
if "OFFER_AI_STREAMS" not in os.environ:  # a fifth of the time of a few rows is making code
    ENVIRONMENT["OFFER_AI_SPARK_PARTITIONS"] = "1"
    ENVIRONMENT["PYSPARK_SUBMIT_ARGS"] = (
        "--conf spark.sql.codegen.wholeStage=false "
        "--conf spark.sql.codegen.factoryMode=NO_CODEGEN pyspark-shell")
PARTITION = "partition_day"  # on Spark alone
known: dict = {}  # by project and table of events, as parsed


def dbt(*arguments: str, events, project: Path = ROOT) -> list:
    """Runs dbt on Spark; returns its results, raises BuildError."""
    os.environ.update(ENVIRONMENT, OFFER_AI_EVENTS=str(events))
    messages = []

    def listen(event):
        if event.info.level in ("error", "warn"):
            messages.append(event.info.msg)

    options = ["--quiet", "--no-use-colors", "--log-level-file", "none", "--target", "spark",
               "--target-path", f"{WAREHOUSE}/target", "--profiles-dir", str(project)]
    with contextlib.chdir(project):
        key = project, str(events).partition("table:")[2]
        if key not in known:
            known[key] = dbtRunner().invoke(["parse", *options]).result
        done = dbtRunner(known[key], callbacks=[listen]).invoke([*arguments, *options])
    if not done.success:
        raise BuildError("\n".join(messages) + str(done.exception or ""))
    return list(done.result.results)


def dbt_anew(*arguments: str, events, project: Path = ROOT) -> list:
    """The same on a warehouse where nothing has landed."""
    from pyspark.sql import SparkSession

    if known:  # the first run of dbt starts the session, with its settings
        session = SparkSession.builder.getOrCreate()
        for table in session.sql("show tables in landing").collect():
            if not table.isTemporary:
                session.sql(f"drop table landing.{table.tableName}")
    return dbt(*arguments, "--full-refresh", events=events, project=project)


def rows(query: str) -> list[dict]:
    """The rows of a query as dicts."""
    from pyspark.sql import SparkSession

    found = SparkSession.builder.getOrCreate().sql(query).collect()
    return [{name: value for name, value in row.asDict().items() if name != PARTITION}
            for row in found]


def certificate(folder: Path, password: str) -> tuple[Path, Path]:
    """A key store of a server on 127.0.0.1, and its certificate."""
    store, shown = folder / "server.p12", folder / "server.pem"
    for command in (
            ["-genkeypair", "-keyalg", "RSA", "-dname", "CN=test", "-ext", "SAN=IP:127.0.0.1"],
            ["-exportcert", "-rfc", "-file", str(shown)]):
        subprocess.run(["keytool", *command, "-keystore", str(store), "-storepass", password],
                       check=True, capture_output=True)
    return store, shown


@contextlib.contextmanager
def thrift_server(folder: Path, method: str = "thrift"):
    """A Thrift server with its tables under a folder; yields the environment that names it.

    With the method `http` it speaks HTTPS, under the path that a hosted cluster has.
    """
    settings, named = {}, {"OFFER_AI_SPARK_METHOD": method}
    if method == "http":
        password = secrets.token_hex()
        store, shown = certificate(folder.parent, password)
        settings = {f"spark.hadoop.hive.server2.{name}": value for name, value in {
            "transport.mode": "http",
            "thrift.http.path": "sql/protocolv1/o/0/test-cluster", "use.SSL": "true",
            "keystore.path": store, "keystore.password": password}.items()}
        named |= {"OFFER_AI_SPARK_CLUSTER": "test-cluster", "SSL_CERT_FILE": str(shown),
                  "OFFER_AI_SPARK_TOKEN": secrets.token_hex()}
    with spark_server.thrift_server(folder, **settings) as server:
        yield server | named
