"""Builds the project on Spark, in a session of this process or on a server, and reads it."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from dbt.cli.main import dbtRunner

from warehouse import ROOT, BuildError

WAREHOUSE = tempfile.mkdtemp(prefix="offer_ai_spark_")
ENVIRONMENT = {
    "SPARK_LOCAL_IP": "127.0.0.1", "OFFER_AI_SPARK_WAREHOUSE": WAREHOUSE,
    "OFFER_AI_SPARK_PARTITIONS": "2", "OFFER_AI_SPARK_MEMORY": "3g",
}
PARTITION = "partition_day"  # on Spark alone
known: list = []  # the parsed project


def dbt(*arguments: str, events) -> list:
    """Runs dbt on Spark; returns its results, raises BuildError."""
    os.environ.update(ENVIRONMENT, OFFER_AI_EVENTS=str(events))
    messages = []

    def listen(event):
        if event.info.level in ("error", "warn"):
            messages.append(event.info.msg)

    options = ["--quiet", "--no-use-colors", "--log-level-file", "none", "--target", "spark",
               "--target-path", f"{WAREHOUSE}/target", "--profiles-dir", str(ROOT)]
    with contextlib.chdir(ROOT):
        if not known:
            known.append(dbtRunner().invoke(["parse", *options]).result)
        done = dbtRunner(known[0], callbacks=[listen]).invoke([*arguments, *options])
    if not done.success:
        raise BuildError("\n".join(messages) + str(done.exception or ""))
    return list(done.result.results)


def rows(query: str) -> list[dict]:
    """The rows of a query as dicts."""
    from pyspark.sql import SparkSession

    found = SparkSession.builder.getOrCreate().sql(query).collect()
    return [{name: value for name, value in row.asDict().items() if name != PARTITION}
            for row in found]


@contextlib.contextmanager
def thrift_server(folder: Path):
    """A Thrift server with its tables under a folder; yields the environment that names it."""
    import pyspark

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    home = Path(pyspark.__file__).parent
    options = {
        "spark.sql.warehouse.dir": folder, "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "2", "spark.log.level": "ERROR",
        "spark.hadoop.hive.server2.thrift.bind.host": "127.0.0.1",
        "spark.hadoop.hive.server2.thrift.port": port,
        "spark.hadoop.javax.jdo.option.ConnectionURL":
            f"jdbc:derby:;databaseName={folder}/metastore;create=true",
        "spark.driver.extraJavaOptions": "-Dderby.stream.error.file=/dev/null"}
    folder.mkdir()
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            [home / "bin" / "spark-submit", "--master", "local[2]", "--driver-memory", "2g",
             "--class", "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2",
             *(f"--conf={name}={value}" for name, value in options.items()), "spark-internal"],
            env=os.environ | {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_HOME": str(home),
                              "PYSPARK_PYTHON": sys.executable},
            cwd=folder, stdout=log, stderr=log)
    try:
        until = time.monotonic() + 120
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            assert server.poll() is None and time.monotonic() < until, (
                folder / "server.log").read_text()
            time.sleep(0.2)
        yield {"OFFER_AI_SPARK_METHOD": "thrift", "OFFER_AI_SPARK_HOST": "127.0.0.1",
               "OFFER_AI_SPARK_PORT": str(port), "OFFER_AI_SPARK_USER": "tester",
               "OFFER_AI_SPARK_WAREHOUSE": str(folder)}
    finally:
        server.kill()
        server.wait()
