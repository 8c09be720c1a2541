"""A running service and what it logged, for the tests of several rooms."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

from commands import environment
from offer_ai.base.settings import SCRIPTS
from offer_ai.bench.runs import free_port


class Service:
    """A running server over a folder's events, exports and models; stopped behind a `with`, and
    killed where that fails."""

    def __init__(self, folder: Path, *arguments: str, cwd: Path | None = None, **variables: str):
        self.port = free_port()
        self.process = subprocess.Popen(
            [sys.executable, SCRIPTS / "serve.py", "--port", str(self.port),
             "--rotate-seconds", "0.5", *arguments],
            env=environment(folder) | {"OFFER_AI_EVENTS": str(folder / "events")} | variables,
            cwd=cwd)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}")
        try:
            self.wait(time.monotonic() + 60)
        except BaseException:
            self.kill()
            raise

    def __enter__(self) -> "Service":
        return self

    def __exit__(self, kind, *_) -> None:
        try:
            if kind is None and self.process.returncode is None:
                self.stop()
        finally:
            self.kill()

    def wait(self, until: float) -> None:
        while True:
            try:
                self.client.get("/healthz")
                return
            except httpx.TransportError:
                assert self.process.poll() is None, "the service ended before it answered"
                assert time.monotonic() < until, "the service did not start"
                time.sleep(0.05)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.client.close()

    def decide(self, **body) -> dict:
        response = self.client.post("/decide", json={"user_id": "u0", "session_id": "t"} | body)
        assert response.status_code == 200, response.text
        return response.json()

    def stop(self, how=signal.SIGTERM) -> None:
        self.process.send_signal(how)
        assert self.process.wait(30) in (0, -how)


def logged(folder) -> list[dict]:
    """Every decision that the log holds, open files too."""
    return [json.loads(line) for path in (folder / "events").iterdir()
            if "decisions-" in path.name for line in path.read_text().splitlines()]


# Bodies that are refused, and what the answer names.
BAD = [
    (b"", "body"), (b"{", "body"), (b"[]", "body"), (b"null", "body"), (b"\xff", ""),
    (b"{}", "user_id"), (b'{"user_id": "u"}', "session_id"),
    (b'{"user_id": "", "session_id": "s"}', "user_id"),
    (b'{"user_id": "  ", "session_id": "s"}', "user_id"),
    (b'{"user_id": "NaN", "session_id": "s"}', "user_id"),
    (b'{"user_id": 7, "session_id": "s"}', "user_id"),
    (b'{"user_id": null, "session_id": "s"}', "user_id"),
    (b'{"user_id": {"$gt": ""}, "session_id": "s"}', "user_id"),
    (b'{"user_id": "u", "session_id": "\\ud800"}', "session_id"),
    (b'{"user_id": "a\\u0000b", "session_id": "s"}', "user_id"),
    (b'{"user_id": "%s", "session_id": "s"}' % (b"u" * 1025), "user_id"),
    (b'{"user_id": "u", "session_id": "s", "at": "soon"}', "at"),
    (b'{"user_id": "u", "session_id": "s", "at": "0001-01-01T00:00:00+14:00"}', "at"),
    (b'{"user_id": "u", "session_id": "s", "at": 1e300}', "at"),
    (b'{"user_id": "u", "session_id": "s", "at": "9999-12-31T23:59:59Z"}', "hours ahead"),
    (b'{"user_id": "u", "session_id": "s", "propensity": 0}', "propensity"),
    (b'{"user_id": "u", "session_id": "s", "propensity": 1.5}', "propensity"),
    (b'{"user_id": "u", "session_id": "s", "offers": "gems"}', "offers"),
    (b'{"user_id": "u", "session_id": "s", "offers": [{"offer_type": "gems"}]}', "offer_price"),
    (b"[" * 10_000, ""),
]
