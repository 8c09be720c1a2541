"""Keeps the cycle going: publish, train, value, promote, at a rhythm of days of events."""

import json
from dataclasses import dataclass
from pathlib import Path

import click

from offer_ai.base import declarations
from offer_ai.base.files import MANIFEST
from offer_ai.base.locks import publishing
from offer_ai.base.running import Running, pause_after, say
from offer_ai.learning.cycle import is_due, learn
from offer_ai.learning.promotions import finish
from offer_ai.training.versions import Versions
from offer_ai.training.writing import publish_training
from offer_ai.warehouse.connection import open_warehouse, watermark

MAX_PAUSE = 600.0  # seconds between tries of a step that keeps failing
KEEP_VERSIONS = 5
BUSY_LOOKS = 5  # in a row, after which it is said that a build has the warehouse


@dataclass
class Keeper(Running):
    """Steps of learning over what a warehouse holds, or what is published of it."""

    database: Path
    export: Path
    every_days: float
    poll: float  # seconds
    rule: str
    epsilon: float
    is_publishing: bool = True
    name: str = declarations.OFFERS  # of the decision point
    tried: str | None = None  # the version that the last step learned from, or could not
    busy: str | None = None  # why the last step could not publish, as a build has the warehouse

    @property
    def models(self) -> Path:
        return self.export / declarations.folder_of("models", self.name)

    @property
    def training(self) -> Path:
        return self.export / declarations.folder_of("training", self.name)

    def run(self) -> None:
        """Until stopped; a step that began is finished."""
        failures = busy_looks = 0
        while not self.is_stopped:
            try:
                said = self.step()
                failures = 0
            except Exception as error:  # whatever it is, the policy in place goes on
                failures += 1
                pause = pause_after(failures, MAX_PAUSE)
                say(f"learning failed, next try in {pause:.0f} s; what is served stays: {error}")
                self.sleep(pause)
                continue
            busy_looks = busy_looks + 1 if self.busy else 0
            if said:
                say(said)
            elif busy_looks == BUSY_LOOKS:
                say(f"waiting: {self.busy}")
            self.sleep(self.poll)
        say("stopped")

    def step(self) -> str | None:
        """Publishes and, if it is time, learns; returns what to say, None when it is not time.

        What cannot be learned from (ClickException) is said once for each version. Raises
        ClickException for a warehouse that is not there or cannot be read.
        """
        finish(self.models)
        self.busy = self.publish() if self.is_publishing else None
        told = self.published()
        version = told.get("version")
        if version in (None, self.tried) or not self.is_due(told.get("watermark")):
            return None
        self.tried = version
        try:
            return learn(self.export, self.rule, self.epsilon, name=self.name).said
        except click.ClickException as error:
            return f"nothing learned: {error.message}"
        except BaseException:
            self.tried = None
            raise

    def publish(self) -> str | None:
        """Publishes the training table if it is time; returns why not, where a build has the
        warehouse."""
        try:
            with publishing(self.export), open_warehouse(self.database) as con:
                if self.is_due(watermark(con)):
                    publish_training(con, Versions(str(self.training)), self.export
                                     / f".{self.training.name}.part", KEEP_VERSIONS, self.name)
        except click.ClickException as error:
            if "a build is writing it" not in error.message:
                raise
            return f"OFFER_AI_DB: {error.message}"
        return None

    def is_due(self, at: str | None) -> bool:
        return is_due(self.models, at, self.every_days)

    def published(self) -> dict:
        """What the published training table says of itself; nothing where there is none."""
        try:
            return json.loads((self.training / MANIFEST).read_text())
        except (OSError, ValueError):
            return {}
