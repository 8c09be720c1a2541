"""A running watch and what it says, for the tests of several rooms."""

import os
import re
import signal
import subprocess
import sys
import threading

from offer_ai.base.settings import SCRIPTS


def start(place) -> subprocess.Popen:
    """Over what the variables of `place` name."""
    return subprocess.Popen(
        [sys.executable, SCRIPTS / "watch.py", "--poll", "0.05"],
        env=os.environ | place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def said(process, pattern: str) -> str:
    """The next line of output that the pattern is in."""
    lines = []
    watchdog = threading.Timer(180, process.kill)
    watchdog.start()
    try:
        for line in process.stdout:
            lines.append(line)
            if re.search(pattern, line):
                return line
    finally:
        watchdog.cancel()
    raise AssertionError(f"{pattern} is not in:\n{''.join(lines)}")


def stop(process) -> str:
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return output
