"""Raw event files as DuckDB sees them: which there are and how each can be read.

A dbt-duckdb plugin. SQL does the parsing; what SQL cannot do is done here: list the files,
tell what each is and why one cannot be read (one bad file must not stop a build), write
plain lines of JSON of what is none, and fetch the text of rejected lines.
"""

import gc
import shutil
from pathlib import Path

import duckdb
import pandas  # noqa: F401  DuckDB would import it amid the first model that calls us.
import pyarrow as pa
from dbt.adapters.duckdb.plugins import BasePlugin

from offer_ai.base import settings
from offer_ai.warehouse.connection import catalog_of
from offer_ai.warehouse.event_source import EventSource
from offer_ai.warehouse.plain_lines import pick_lines
from offer_ai.warehouse.texts import texts_in

LISTED = "STRUCT(source_file VARCHAR, size BIGINT, modified_us BIGINT)[]"
INSPECTED = ("STRUCT(digest VARCHAR, read_path VARCHAR, longest_line BIGINT, "
             "has_other_case BOOLEAN, error VARCHAR, is_reached BOOLEAN)")
ARROW_INSPECTED = pa.struct({
    "digest": pa.string(), "read_path": pa.string(), "longest_line": pa.int64(),
    "has_other_case": pa.bool_(), "error": pa.string(), "is_reached": pa.bool_()})
PICKED = "STRUCT(line_ordinal BIGINT, line_number BIGINT, raw_line VARCHAR, is_utf8 BOOLEAN)[]"


class Plugin(BasePlugin):
    """Gives DuckDB the functions that find and read event files.

    `list_events` looks which there are, `listed_files` tells what it saw; `inspected_file`
    and `file_digest` are of one file, `lines_of_file` yields some of its lines,
    `texts_in` what may be an id in one, `forget_copies` clears away what a build has copied
    to read it.
    """

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
        self.source = EventSource(settings.events())
        self.listed = None
        # The connection holds the database's lock: what is left is nobody's.
        self.forget_copies()
        conn.create_function(
            "list_events", self.list_events, ["VARCHAR"], "VARCHAR",
            side_effects=True, null_handling="special")
        conn.create_function("listed_files", self.listed_files, [], LISTED, side_effects=True)
        conn.create_function(
            "inspected_file", self.inspected_file,
            ["VARCHAR", "BIGINT", "VARCHAR[]", "VARCHAR[]"], INSPECTED,
            side_effects=True, type="arrow")
        conn.create_function(
            "file_digest", self.source.digest, ["VARCHAR"], "VARCHAR",
            side_effects=True, exception_handling="return_null")
        conn.create_function("lines_of_file", pick_lines, ["VARCHAR", "BIGINT[]"], PICKED)
        conn.create_function("texts_in", texts_in, ["VARCHAR"], "VARCHAR[]")
        conn.create_function(
            "forget_copies", self.forget_copies, [], "BOOLEAN", side_effects=True)

    def list_events(self, after: str | None) -> str | None:
        """Looks which files there are, in object storage behind `after`; says why it cannot."""
        try:
            self.listed = self.source.list(after)
        except OSError as error:
            return str(error)
        return None

    def listed_files(self) -> list[dict]:
        """What a build saw first: all of it goes by one list."""
        if self.listed is None:
            self.listed = self.source.list()
        return self.listed

    def inspected_file(
        self, names: pa.Array, file_ids: pa.Array, fields: pa.Array, below: pa.Array,
    ) -> pa.Array:
        places = list(zip(names.to_pylist(), file_ids.to_pylist(), strict=True))
        inspected = self.source.inspect(
            places, fields[0].as_py(), below[0].as_py(), self.scratch)
        return pa.array(list(inspected), ARROW_INSPECTED)

    def forget_copies(self) -> bool:
        shutil.rmtree(self.scratch, ignore_errors=True)
        return True

    @property
    def scratch(self) -> Path:
        return Path(f"{self.creds.path}.scratch")
