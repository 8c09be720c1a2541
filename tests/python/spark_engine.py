"""Builds the project on Spark, in a session of this process, and reads what came out."""

import contextlib
import os
import tempfile

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
