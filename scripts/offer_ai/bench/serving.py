"""Times decisions: in this process, and over HTTP at a fixed rate."""

import http.client
import json
import os
import random
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import click

from offer_ai.base.files import write_json
from offer_ai.base.settings import SCRIPTS
from offer_ai.bench.runs import percentile
from offer_ai.learning.cycle import learn
from offer_ai.learning.policies import INVERSE_GAP, PROMOTED
from offer_ai.serving.decider import Decider
from offer_ai.serving.decision_log import DecisionLog

CLIENTS = 6


def train_and_promote(work: Path) -> None:
    """A model of learn.py on the training table under `work`, promoted as it is."""
    step = learn(work)
    write_json(work / "models" / PROMOTED,
               {"model": step.model.name, "rule": INVERSE_GAP, "epsilon": 0.01})


def in_process(work: Path, users: list[str], count: int) -> list[float]:
    """Seconds of each of so many decisions."""
    log = DecisionLog(work / "decisions")
    decider = Decider(work / "models", f"sqlite:///{work}/features.sqlite", log)
    chance, seconds = random.Random(1), []
    for _ in range(count):
        user = chance.choice(users)
        began = time.perf_counter()
        decider.decide(user, "s", datetime(2025, 1, 30, tzinfo=UTC))
        seconds.append(time.perf_counter() - began)
    log.close()
    return seconds[100:]


def over_http(work: Path, users: list[str], rate: int, seconds: int) -> list[float]:
    """Seconds from when each request was due to its answer, the server on one core."""
    port = 18_080
    server = subprocess.Popen(
        [sys.executable, SCRIPTS / "serve.py", "--port", str(port),
         "--store", f"sqlite:///{work}/features.sqlite"],
        env=os.environ | {"OFFER_AI_EVENTS": str(work / "decisions"),
                          "OFFER_AI_EXPORT": str(work)})
    try:
        os.sched_setaffinity(server.pid, {0})
        os.sched_setaffinity(0, set(range(1, os.cpu_count())) or {0})
        wait_for(port)
        lags: list[list[float]] = [[] for _ in range(CLIENTS)]
        start = time.perf_counter() + 1
        threads = [threading.Thread(target=client, args=(
            port, users, start, rate, seconds, number, lags[number]))
            for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        server.terminate()
        server.wait()
        os.sched_setaffinity(0, range(os.cpu_count()))
    return [lag for lag_of_client in lags for lag in lag_of_client]


def wait_for(port: int) -> None:
    until = time.time() + 30
    while time.time() < until:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port)
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            return
        except OSError:
            time.sleep(0.1)
    raise click.ClickException("The service did not start.")


def client(port, users, start, rate, seconds, number, lags) -> None:
    """Every CLIENTS-th request of the schedule, over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    chance = random.Random(number)
    for index in range(number, rate * seconds, CLIENTS):
        due = start + index / rate
        time.sleep(max(0, due - time.perf_counter()))
        body = json.dumps({"user_id": chance.choice(users), "session_id": "s"})
        connection.request("POST", "/decide", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise click.ClickException(f"The service answered {answer.status}.")
        lags.append(time.perf_counter() - due)


def bench_serve(work: Path, users: list[str], rate: int = 300, seconds: int = 20) -> None:
    """Decides and serves from the store and training table under `work`; prints both."""
    (work / "decisions").mkdir(exist_ok=True)
    train_and_promote(work)
    times = in_process(work, users, 5_000)
    click.echo(f"decision in process, 9 candidates: p50 {percentile(times, 0.5) * 1e3:.2f} ms, "
               f"p99 {percentile(times, 0.99) * 1e3:.2f} ms (target: 1)")
    times = over_http(work, users, rate, seconds)
    click.echo(f"POST /decide on one core, {rate} requests a second for {seconds} s: p50 "
               f"{percentile(times, 0.5) * 1e3:.2f} ms, p99 {percentile(times, 0.99) * 1e3:.2f} "
               "ms (target: 10)")
