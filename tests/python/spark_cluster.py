"""A standalone Spark master with two workers, each a process of its own on loopback."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from offer_ai.bench.runs import free_port


def children(pid: int) -> list[int]:
    """The processes that a process has started and that run; one that has ended has no command."""
    with contextlib.suppress(FileNotFoundError):
        return [int(child) for task in Path(f"/proc/{pid}/task").glob("*/children")
                for child in task.read_text().split()
                if Path(f"/proc/{child}/cmdline").read_bytes()]
    return []


def kill(process: subprocess.Popen) -> None:
    """kill -9 of a process and of those that it has started."""
    for pid in (*children(process.pid), process.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


class Cluster:
    """One core and one executor at a time for each of the two workers."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.port = free_port()
        self.url = f"spark://127.0.0.1:{self.port}"
        folder.mkdir(parents=True)
        self.log = (folder / "cluster.log").open("w")
        self.master = self.start("master.Master", "--port", str(self.port))
        self.workers = [self.start_worker(number) for number in range(2)]

    def start(self, what: str, *arguments: str) -> subprocess.Popen:
        import pyspark

        home = Path(pyspark.__file__).parent
        return subprocess.Popen(
            [home / "bin" / "spark-class", f"org.apache.spark.deploy.{what}", "--host", "127.0.0.1",
             "--webui-port", "0", *arguments], cwd=self.folder, stdout=self.log, stderr=self.log,
            env=os.environ | {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_HOME": str(home),
                              "SPARK_DAEMON_MEMORY": "256m", "PYSPARK_PYTHON": sys.executable})

    def start_worker(self, number: int) -> subprocess.Popen:
        return self.start("worker.Worker", "--cores", "1", "--memory", "1g", "--work-dir",
                          str(self.folder / f"work-{number}"), self.url)

    def kill_executor(self, number: int) -> bool:
        """kill -9 of one that runs; whether any did."""
        running = [pid for worker in self.workers for pid in children(worker.pid)]
        if running:
            os.kill(running[number % len(running)], signal.SIGKILL)
        return bool(running)

    def kill_worker(self, number: int) -> None:
        """kill -9 of a worker and its executor; another one takes its place."""
        number %= len(self.workers)
        kill(self.workers[number])
        self.workers[number] = self.start_worker(number)

    def stop(self) -> None:
        for process in (*self.workers, self.master):
            kill(process)
        self.log.close()


@contextlib.contextmanager
def cluster(folder: Path):
    """A cluster whose workers have joined it."""
    started = Cluster(folder)
    try:
        until = time.monotonic() + 120
        while (folder / "cluster.log").read_text().count("Registering worker") < 2:
            assert started.master.poll() is None and time.monotonic() < until, (
                folder / "cluster.log").read_text()
            time.sleep(0.2)
        yield started
    finally:
        started.stop()
