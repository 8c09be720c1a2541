"""What a statement that takes no parameters is put together from."""

from pathlib import Path


def sql_text(text: str | Path) -> str:
    """The text as a literal."""
    return "'" + str(text).replace("'", "''") + "'"
