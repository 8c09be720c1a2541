"""Times decisions: in this process, and over HTTP at a fixed rate."""

import http.client
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import click
import duckdb

from offer_ai.base.files import write_json
from offer_ai.base.settings import SCRIPTS
from offer_ai.bench.runs import percentile, plain_work
from offer_ai.features.opening import open_store
from offer_ai.features.publish import publish_latest
from offer_ai.learning.cycle import learn
from offer_ai.learning.policies import CHALLENGER, INVERSE_GAP, PROMOTED
from offer_ai.serving.decider import Decider
from offer_ai.serving.decision_log import DecisionLog
from offer_ai.serving.log_files import CLOSED
from offer_ai.serving.running import SWITCH
from offer_ai.warehouse.connection import open_warehouse

CLIENTS = 6
NOTHING = ("-m", "uvicorn", "--log-level", "error", "offer_ai.bench.nothing:app")


@dataclass
class Answers:
    """Seconds from when each request was due to its answer, the decisions, and what failed."""

    lags: list[float] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (f"{len(self.lags):,} answered: {spread(self.lags)}; "
                f"{len(self.errors)} errors{': ' + self.errors[0] if self.errors else ''}")


def spread(seconds: Sequence[float]) -> str:
    """Percentiles of times, in milliseconds."""
    if not seconds:
        return "none"
    parts = [f"p{100 * share:g} {percentile(seconds, share) * 1e3:.2f}"
             for share in (0.5, 0.99, 0.999)]
    return f"{', '.join(parts)}, slowest {max(seconds) * 1e3:.1f} ms"


def promote(work: Path, model: str) -> None:
    write_json(work / "models" / PROMOTED,
               {"model": model, "rule": INVERSE_GAP, "epsilon": 0.01})


def train_and_promote(work: Path) -> None:
    """A model of learn.py on the training table under `work`, promoted as it is; with another
    floor it is the challenger too, so that each request asks both."""
    model = learn(work).model.name
    promote(work, model)
    write_json(work / "models" / CHALLENGER,
               {"model": model, "rule": INVERSE_GAP, "epsilon": 0.05})


def in_process(work: Path, users: list[str], count: int) -> tuple[int, list[float]]:
    """How many candidates there are, and seconds of each of so many decisions."""
    log = DecisionLog(work / "decisions")
    decider = Decider(work / "models", f"sqlite:///{work}/features.sqlite", log)
    chance, seconds = random.Random(1), []
    for _ in range(count):
        user = chance.choice(users)
        began = time.perf_counter()
        decider.decide(user, "s", datetime(2025, 1, 30, tzinfo=UTC))
        seconds.append(time.perf_counter() - began)
    log.close()
    return len(decider.candidates), seconds[100:]


@contextmanager
def serving(work: Path, port: int = 18_080, command: Sequence[str] = ()) -> Iterator[
        subprocess.Popen]:
    """The service, or what `command` runs on the port, on the first core, this process and what
    it starts on the others."""
    server = subprocess.Popen(
        [sys.executable, *(command or (
            SCRIPTS / "serve.py", "--store", f"sqlite:///{work}/features.sqlite")),
         "--port", str(port)],
        env=os.environ | {"OFFER_AI_EVENTS": str(work / "decisions"),
                          "OFFER_AI_EXPORT": str(work)}, stderr=subprocess.DEVNULL)
    server.port = port
    try:
        os.sched_setaffinity(server.pid, {0})
        os.sched_setaffinity(0, set(range(1, os.cpu_count())) or {0})
        wait_for(port)
        yield server
    finally:
        server.terminate()
        server.wait()
        os.sched_setaffinity(0, range(os.cpu_count()))


def processor_seconds(process: subprocess.Popen) -> float:
    """What a process has used so far; Linux alone tells."""
    told = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


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


def ask(port: int, users: list[str], rate: int, seconds: float,
        until: Callable[[], bool] = lambda: False) -> Answers:
    """Requests at a fixed rate, whatever the answers, for so long or `until` it says so."""
    sys.setswitchinterval(SWITCH)  # as the service does; by default a thread waits ten times longer
    answers, start = [Answers() for _ in range(CLIENTS)], time.perf_counter() + 1
    threads = [threading.Thread(target=client, args=(
        port, users, start, rate, seconds, number, answers[number], until))
        for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Answers(*([each for one in answers for each in getattr(one, name)]
                     for name in ("lags", "ids", "errors")))


def client(port, users, start, rate, seconds, number, answers, until) -> None:
    """Every CLIENTS-th request of the schedule, over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    chance = random.Random(number)
    for index in range(number, int(rate * seconds), CLIENTS):
        due = start + index / rate
        time.sleep(max(0, due - time.perf_counter()))
        if until():
            return
        body = json.dumps({"user_id": chance.choice(users), "session_id": "s"})
        try:
            connection.request("POST", "/decide", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            told = answer.read()
        except (OSError, http.client.HTTPException) as error:
            answers.errors.append(repr(error))
            connection.close()
            continue
        if answer.status != 200:
            answers.errors.append(f"{answer.status} {told.decode()}")
            continue
        answers.lags.append(time.perf_counter() - due)
        answers.ids.append(json.loads(told)["decision_id"])


def lost(work: Path, ids: list[str]) -> int:
    """How many of these decisions no line of the log holds."""
    DecisionLog(work / "decisions").close()  # lands what a kill left open
    logged = {json.loads(line)["decision_id"]
              for path in (work / "decisions").glob(CLOSED)
              for line in path.read_text().splitlines()}
    return len(set(ids) - logged)


def bench_serve(work: Path, users: list[str], rate: int = 300, seconds: int = 20) -> None:
    """Decides and serves from the store and training table under `work`; prints both."""
    (work / "decisions").mkdir(exist_ok=True)
    train_and_promote(work)
    candidates, times = in_process(work, users, 5_000)
    click.echo(f"decision in process, {candidates} candidates: "
               f"p50 {percentile(times, 0.5) * 1e3:.2f} ms, "
               f"p99 {percentile(times, 0.99) * 1e3:.2f} ms (target: 1)")
    with serving(work) as server:
        answers = ask(server.port, users, rate, seconds)
    click.echo(f"POST /decide on one core, {rate} requests a second for {seconds} s: {answers} "
               "(target: p99 5)")


def bench_bad_day(work: Path, users: list[str], rate: int, seconds: int) -> None:
    """At a fixed rate: for long, while all users are published and models change, and killed
    with -9; prints how even the processor is, how late answers are and how many decisions are
    lost."""
    click.echo(f"the processor, the same additions each time, for {min(seconds, 60)} s at {rate} "
               f"a second: {spread(plain_work(rate, min(seconds, 60)))}")
    with serving(work, 18_081, NOTHING) as server:
        click.echo(f"a service that does nothing, for {min(seconds, 60)} s at {rate} a second: "
                   f"{ask(server.port, users, rate, min(seconds, 60))}")
    with serving(work) as server:
        used = processor_seconds(server)
        answers = ask(server.port, users, rate, seconds)
        used = (processor_seconds(server) - used) / max(len(answers.lags), 1)
        click.echo(f"{seconds} s at {rate} a second: {answers} (targets: p99 5, p99.9 20); "
                   f"{used * 1e3:.2f} ms of processor each")
        publisher = multiprocessing.get_context("spawn").Process(
            target=publish_all_again, args=(work,))
        publisher.start()
        swap = threading.Thread(target=swap_models, args=(work, publisher.is_alive))
        swap.start()
        during = ask(server.port, users, rate, 600, until=lambda: not publisher.is_alive())
        swap.join()
        click.echo(f"while all users are published and models change: {during} "
                   "(target: p99 25)")
        killed = Answers()
        asking = threading.Thread(target=lambda: killed.ids.extend(
            ask(server.port, users, rate, 5).ids))
        asking.start()
        time.sleep(3)
        server.send_signal(signal.SIGKILL)
        asking.join()
    every = answers.ids + during.ids + killed.ids
    click.echo(f"killed with -9 under load: {lost(work, every)} of {len(every):,} decisions lost "
               "(target: 0)")


def publish_all_again(work: Path) -> None:
    """Publishes other features of every user into the store that is served from."""
    os.nice(10)  # the clients have the same core, and are to ask in time
    with duckdb.connect(str(work / "synthetic.duckdb")) as con:
        con.execute("""
            update anchors.latest_requests
            set feature_versions = replace(feature_versions, '"US"', '"SE"'),
                written_after = (select max(completed_at) from landing.build_log);
            insert into landing.build_log
            select * replace (max(completed_at) over () + interval 1 second as completed_at)
            from landing.build_log limit 1""")
    store = open_store(f"sqlite:///{work}/features.sqlite")
    with open_warehouse(work / "synthetic.duckdb") as con:
        publish_latest(con, store)
    store.close()


def swap_models(work: Path, is_on: Callable[[], bool]) -> None:
    """Promotes the model anew every second."""
    (model,) = (path.name for path in (work / "models").glob("m*") if path.is_dir())
    while is_on():
        promote(work, model)
        time.sleep(1)
