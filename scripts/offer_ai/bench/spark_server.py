"""A Spark Thrift server on loopback, in a process of its own."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import click

from offer_ai.bench.runs import free_port

UP_WITHIN = 120  # seconds


@contextlib.contextmanager
def thrift_server(folder: Path, memory: str = "2g", **settings):
    """Starts a server on two cores with its tables under a new folder; yields the environment that
    names it, and stops it.

    settings: more of Spark's, by name.
    Raises ClickException, with what the server said, if it is not up within two minutes.
    """
    import pyspark

    folder.mkdir()
    home, port = Path(pyspark.__file__).parent, free_port()
    settings = {
        "spark.sql.warehouse.dir": folder, "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "2", "spark.log.level": "ERROR",
        "spark.hadoop.hive.server2.thrift.bind.host": "127.0.0.1",
        "spark.hadoop.hive.server2.thrift.port": port,
        "spark.hadoop.hive.server2.thrift.http.port": port,
        "spark.hadoop.javax.jdo.option.ConnectionURL":
            f"jdbc:derby:;databaseName={folder}/metastore;create=true",
        "spark.driver.extraJavaOptions": "-Dderby.stream.error.file=/dev/null"} | settings
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            [home / "bin" / "spark-submit", "--master", "local[2]", "--driver-memory", memory,
             "--class", "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2",
             *(f"--conf={name}={value}" for name, value in settings.items()), "spark-internal"],
            env=os.environ | {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_HOME": str(home),
                              "PYSPARK_PYTHON": sys.executable},
            cwd=folder, stdout=log, stderr=log)
    try:
        until = time.monotonic() + UP_WITHIN
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            if server.poll() is not None or time.monotonic() > until:
                raise click.ClickException(
                    f"The Thrift server did not come up:\n{(folder / 'server.log').read_text()}")
            time.sleep(0.2)
        yield {"OFFER_AI_SPARK_METHOD": "thrift", "OFFER_AI_SPARK_HOST": "127.0.0.1",
               "OFFER_AI_SPARK_PORT": str(port), "OFFER_AI_SPARK_USER": "tester",
               "OFFER_AI_SPARK_WAREHOUSE": str(folder)}
    finally:
        server.kill()
        server.wait()
