"""What was found of users, and where."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Found:
    """So many rows, lines or items of users; `what` names a table, a version or a file."""

    place: str
    what: str
    count: int
