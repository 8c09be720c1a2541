"""dbt in this process, for scripts that build more than once."""

from pathlib import Path

from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from offer_ai.base.settings import ROOT, project_folder

CONVERTS = "stg_events"


class BuildError(Exception):
    """dbt failed; the message holds what it said."""


class Dbt:
    """dbt in this process, parsed once."""

    def __init__(self, target: Path):
        project = project_folder()
        profiles = project if (project / "profiles.yml").exists() else ROOT
        self.options = [
            "--quiet", "--no-use-colors", "--log-level-file", "none", "--no-write-json",
            "--project-dir", str(project), "--profiles-dir", str(profiles),
            "--target-path", str(target),
        ]
        self.messages: list[str] = []
        self.manifest = None

    def __call__(self, *arguments: str) -> object:
        """Runs a command; returns its result, raises BuildError."""
        self.messages.clear()
        runner = dbtRunner(manifest=self.manifest, callbacks=[self._listen])
        try:
            done = runner.invoke([*arguments, *self.options])
        finally:
            # Between rounds others may open the warehouse.
            DuckDBConnectionManager.close_all_connections()
        if not done.success:
            raise BuildError(" ".join(self.messages) or str(done.exception))
        return done.result

    def parse(self) -> None:
        self.manifest = self("parse")

    def lasting_views(self) -> list[str]:
        """The views that stay as the first build makes them, as dbt selects them: all but the one
        that converts amounts, once something has landed that has to be converted."""
        return [".".join(node.fqn) for node in self.manifest.nodes.values()
                if node.resource_type == "model" and node.config.materialized == "view"
                and node.name != CONVERTS]

    def only_warns(self, test: str) -> None:
        """From now on a data test of this name fails no build."""
        for node in self.manifest.nodes.values():
            if node.resource_type == "test" and node.name == test:
                node.config.severity = "warn"

    def _listen(self, event) -> None:
        # What a macro says at the end of a build is which rows a test is about.
        if event.info.level in ("error", "warn") or event.info.name == "JinjaLogInfo":
            self.messages.append(" ".join(event.info.msg.split()))
