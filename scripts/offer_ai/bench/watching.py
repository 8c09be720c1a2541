"""Times the watch: how soon what arrives is published."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import click

from offer_ai.base.settings import SCRIPTS, default_store
from offer_ai.features.opening import open_store


def watch_lags(events: Path, database: Path, later: Path) -> list[float]:
    """Seconds from each file's closing to its features being readable, one file a second.

    Each file of `later` gets one purchase more, of a user of its own, by which it is known.
    """
    export = database.parent / "export"
    environment = os.environ | {"OFFER_AI_EVENTS": str(events), "OFFER_AI_DB": str(database),
                                "OFFER_AI_EXPORT": str(export)}
    process = subprocess.Popen(
        [sys.executable, SCRIPTS / "watch.py"], env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for text in process.stdout:
        if "round 1" in text:
            break
    threading.Thread(target=process.stdout.read, daemon=True).start()
    store = open_store(default_store(export), read_only=True)
    closed, lags, began = {}, {}, time.time()
    files = sorted(later.iterdir())
    while len(lags) < len(files) and time.time() < began + len(files) + 60:
        tick = len(closed)
        if tick < len(files) and time.time() >= began + tick:
            part = events / f".{files[tick].name}"
            part.write_bytes(files[tick].read_bytes() + json.dumps({
                "event_id": "purchase", "event_time": "2025-01-28T12:00:00",
                "customer_identifier": f"probe-{tick}", "session_id": "s",
                "txn_amount": "1"}).encode() + b"\n")
            part.rename(part.with_name(files[tick].name))
            closed[tick] = time.time()
        for tick in closed.keys() - lags.keys():
            if store.get(f"probe-{tick}"):
                lags[tick] = time.time() - closed[tick]
        time.sleep(0.02)
    process.terminate()
    process.wait()
    if len(lags) < len(files):
        raise click.ClickException("Not every file was published by the watch.")
    return sorted(lags.values())
