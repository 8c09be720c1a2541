"""What an offer would earn: features and an offer in, expected revenue out.

The same encoding serves training and serving: text is a category (of those seen in
training; others and none are missing), booleans are 0 and 1, money is a float. A time is a
number too, as its feature's `encode` says: days before the anchor, unless declared otherwise.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from offer_ai.base.actions import Actions, kind_of
from offer_ai.base.declarations import type_word
from offer_ai.base.files import file_hash

if TYPE_CHECKING:
    import lightgbm

READABLE = {"string", "varchar", "text", "boolean", "decimal", "tinyint", "smallint", "int",
            "integer", "bigint", "hugeint", "float", "real", "double", "timestamp", "date"}
TIMES = ("timestamp", "date")
DAY, HOUR = np.timedelta64(1, "D"), np.timedelta64(1, "h")
# How a time becomes a number: from values and anchors, (rows,) of datetime64[us] both.
ENCODINGS = {
    "age_in_days": lambda value, anchor: (anchor - value) / DAY,
    "hour_of_day": lambda value, _: (value - value.astype("datetime64[D]")) / HOUR,
    "day_of_week": lambda value, _: np.where(  # 0 is Monday; 1970 began on a Thursday
        np.isnat(value), np.nan, (value.astype("datetime64[D]").astype(float) + 3) % 7),
}
# Of training tables and models that do not say what their decision point is.
OFFERS = {"name": "offers", "one": "offer", "id": "offer_id", "time": "offered_at",
          "action": ["offer_type", "offer_price"],
          "action_columns": [{"name": "offer_type", "data_type": "string"},
                             {"name": "offer_price", "data_type": "decimal(22, 4)"}]}


@dataclass(frozen=True)
class Encoding:
    """Columns of the model's matrix, in order, and the categories of those of text.

    The last columns are those of `action`, what was done; `anchor` is the column of the anchor's
    time, in a table and among a request's features.
    """

    columns: list[dict]  # name and data_type
    categories: dict[str, list[str]]
    action: Sequence[str] = tuple(OFFERS["action"])
    anchor: str = OFFERS["time"]

    @classmethod
    def of(cls, manifest: dict, table: dict[str, Sequence]) -> "Encoding":
        """From a training table (column name to values) and its manifest."""
        decision = decision_of(manifest)
        columns = [
            {key: column[key] for key in ("name", "data_type")} | (
                {"encode": column["definition"].get("encode", "age_in_days")}
                if type_word(column["data_type"]) in TIMES else {})
            for column in [*manifest["features"], *decision["action_columns"]]]
        return cls(columns, {
            column["name"]: sorted({value for value in table[column["name"]]
                                    if value is not None})
            for column in columns if kind_of(column["data_type"]) == "text"},
            decision["action"], decision["time"])

    @staticmethod
    def refuses(features: Sequence[dict]) -> str | None:
        """Why no model can be trained on these features; None when one can."""
        for feature in features:
            if type_word(feature["data_type"]) not in READABLE:
                return (f"The feature {feature['name']} is of type {feature['data_type']}, which "
                        "no model reads: declare a number of it, such as the days since then.")
        return None

    @property
    def names(self) -> list[str]:
        return [column["name"] for column in self.columns]

    @cached_property
    def features(self) -> list[dict]:
        """The columns but those of the action."""
        return self.columns[:len(self.columns) - len(self.action)]

    @cached_property
    def actions(self) -> Actions:
        return Actions.of(self.columns[len(self.features):])

    def matrix(self, table: dict[str, Sequence]) -> np.ndarray:
        """(rows, columns) of floats, NaN where missing."""
        return np.column_stack([self.column(column, table) for column in self.columns])

    def column(self, column: dict, table: dict[str, Sequence]) -> np.ndarray:
        """One column of the matrix, of a table that has it: (rows,)."""
        name, values = column["name"], table[column["name"]]
        if "encode" in column:
            return ENCODINGS[column["encode"]](as_times(values), as_times(table[self.anchor]))
        if (codes := self.codes.get(name)) is not None:
            return np.array([codes.get(value, np.nan) for value in values])
        return np.array(values, float)  # None is NaN

    def row(self, features: dict) -> list[float]:
        """One request's features, among them its time, as `matrix` would have them: a list
        without the offer."""
        if self.timed:
            table = {name: [value] for name, value in features.items()}
            features = features | {column["name"]: float(self.column(column, table)[0])
                                   for column in self.timed}
        found = []
        for name, codes in self.readers:
            value = features[name]
            found.append(math.nan if value is None else
                         float(value) if codes is None else codes.get(value, math.nan))
        return found

    @cached_property
    def readers(self) -> list[tuple[str, dict[str, float] | None]]:
        """The name of each feature, and the codes of one of text."""
        return [(column["name"], self.codes.get(column["name"])) for column in self.features]

    def action_row(self, action: Sequence) -> list[float]:
        """What was done, as `matrix` would have it."""
        return [math.nan if value is None else codes.get(value, math.nan)
                if (codes := self.codes.get(name)) is not None else float(value)
                for name, value in zip(self.action, action, strict=True)]

    @cached_property
    def codes(self) -> dict[str, dict[str, float]]:
        """The number of each category, by column."""
        return {name: {value: float(code) for code, value in enumerate(values)}
                for name, values in self.categories.items()}

    @cached_property
    def timed(self) -> list[dict]:
        """The columns of times."""
        return [column for column in self.columns if "encode" in column]


def decision_of(manifest: dict) -> dict:
    """The decision point of a training table: `name`, `time`, `action` (names) and
    `action_columns` (name and data_type); that of `offers` where the manifest is older."""
    return OFFERS | manifest.get("decision", {})


def as_times(values: Sequence) -> np.ndarray:
    """Times (UTC, without a zone) or dates, None among them, as datetime64[us]: (rows,)."""
    return np.asarray(values, "datetime64[us]")


class RevenueModel:
    """A trained model and its encoding, in a directory of model.txt and model.json.

    Beside it, held_out.txt is its twin that has not seen the last days.
    """

    def __init__(self, booster: "lightgbm.Booster", encoding: Encoding, description: dict):
        self.booster, self.encoding, self.description = booster, encoding, description

    @classmethod
    def load(cls, folder: Path, name: str = "model.txt") -> "RevenueModel":
        """From a folder that train.py wrote.

        Raises OSError when a file is missing, and ValueError when it is not as it was written:
        LightGBM would end the process over one that is cut short.
        """
        import lightgbm  # a second, which who serves a model without trees does not wait

        description = cls.describe(folder, name)
        return cls(lightgbm.Booster(model_file=folder / name),
                   Encoding(**description["encoding"]), description)

    @staticmethod
    def describe(folder: Path, name: str) -> dict:
        """What model.json says, if the file `name` is as it was written; raises as `load`."""
        description = json.loads((folder / "model.json").read_text())
        if "digests" not in description or "days" not in description.get("training", {}):
            raise ValueError(f"{folder} is of an older version of Offer AI: run train.py again")
        if file_hash(folder / name) != description["digests"].get(name):
            raise ValueError(f"{folder / name} is not the file that train.py wrote: it was cut "
                             "short or changed; run train.py again")
        return description

    def predict(self, features: dict, offers: Sequence[tuple[str | float, ...]]) -> np.ndarray:
        """Expected revenue of each offer (type, price), in currency units: (offers,)."""
        row = self.encoding.row(features)
        return self.booster.predict(
            np.array([row + self.encoding.action_row(offer) for offer in offers]), num_threads=1)

    def predict_rows(self, table: dict[str, Sequence]) -> np.ndarray:
        """Expected revenue of each row: (rows,)."""
        return self.booster.predict(self.encoding.matrix(table), num_threads=1)

    def predict_offers(self, table: dict[str, Sequence],
                       offers: Sequence[tuple[str | float, ...]]) -> np.ndarray:
        """Expected revenue of each offer in each row: (rows, offers)."""
        matrix, first, found = self.encoding.matrix(table), len(self.encoding.features), []
        for offer in offers:
            matrix[:, first:] = self.encoding.action_row(offer)
            found.append(self.booster.predict(matrix, num_threads=1))
        return np.column_stack(found)
