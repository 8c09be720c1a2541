"""Raw event files as DuckDB sees them: which there are and how each can be read.

A dbt-duckdb plugin. SQL does the parsing; what SQL cannot do is done here: list the files,
tell what each is and why one cannot be read (one bad file must not stop a build), write
plain lines of JSON of what is none, and fetch the text of rejected lines.
"""

import gc
import shutil
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pandas  # noqa: F401  DuckDB would import it amid the first model that calls us.
from dbt.adapters.duckdb.plugins import BasePlugin

from offer_ai.base import settings
from offer_ai.warehouse.connection import catalog_of
from offer_ai.warehouse.event_files import digest, list_files
from offer_ai.warehouse.plain_lines import inspect, pick_lines

LISTED = "STRUCT(source_file VARCHAR, size BIGINT, modified_us BIGINT)[]"
INSPECTED = ("STRUCT(digest VARCHAR, read_path VARCHAR, longest_line BIGINT, "
             "has_other_case BOOLEAN, error VARCHAR)")
PICKED = "STRUCT(line_ordinal BIGINT, line_number BIGINT, raw_line VARCHAR, is_utf8 BOOLEAN)[]"


class Plugin(BasePlugin):
    """Gives DuckDB `listed_files`, `inspected_file`, `file_digest`, `lines_of_file`."""

    def update_connection_config(self, creds, config: dict) -> None:
        database = settings.database()
        catalog_of(database)
        creds.path = str(database)
        Path(creds.path).parent.mkdir(parents=True, exist_ok=True)

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        # What dbt has parsed lives as long as the process: looking through it for
        # garbage would take a tenth of a second now and then.
        if not gc.get_freeze_count():
            gc.freeze()
        # The connection holds the database's lock: what is left is nobody's.
        shutil.rmtree(self.scratch, ignore_errors=True)
        conn.create_function(
            "listed_files", lambda: list_files(str(settings.events())), [], LISTED,
            side_effects=True)
        conn.create_function(
            "inspected_file", self.inspected_file,
            ["VARCHAR", "BIGINT", "VARCHAR[]", "VARCHAR[]"], INSPECTED, side_effects=True)
        conn.create_function(
            "file_digest", digest, ["VARCHAR"], "VARCHAR",
            side_effects=True, exception_handling="return_null")
        conn.create_function("lines_of_file", pick_lines, ["VARCHAR", "BIGINT[]"], PICKED)

    def inspected_file(
        self, path: str, file_id: int, names: Sequence[str], below: Sequence[str],
    ) -> dict:
        self.scratch.mkdir(parents=True, exist_ok=True)
        return inspect(path, names, below, self.scratch / f"{file_id}.ndjson")

    @property
    def scratch(self) -> Path:
        return Path(f"{self.creds.path}.scratch")
