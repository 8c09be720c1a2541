"""What goes on until it is told to stop, and says what it does."""

import sys
import time
from datetime import datetime

import click


class Running:
    """Work that goes on; `stop` may be the handler of a signal."""

    is_stopped: bool = False

    def sleep(self, seconds: float) -> None:
        """Waits so long, or until it is stopped."""
        until = time.monotonic() + seconds
        while not self.is_stopped and (left := until - time.monotonic()) > 0:
            time.sleep(min(0.1, left))

    def stop(self, *_) -> None:
        self.is_stopped = True


def pause_after(failures: int, most: float) -> float:
    """Seconds before the next try, twice as many after each failure in a row."""
    return min(most, 2.0 ** (failures - 1))


def say(text: str) -> None:
    """Prints a line with the time of day, at once."""
    click.echo(f"{datetime.now():%H:%M:%S} {text}")
    sys.stdout.flush()
