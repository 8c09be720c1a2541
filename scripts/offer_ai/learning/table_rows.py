"""Some of the rows of a training table: column name to values, a list or an array each."""

from collections.abc import Mapping, Sequence

import numpy as np


def rows_of(table: Mapping[str, Sequence], rows: np.ndarray) -> dict[str, Sequence]:
    """Those for which `rows` (all rows, of booleans) holds, or of these numbers; each column stays
    what it is, a list or an array."""
    at = np.flatnonzero(rows) if rows.dtype == bool else rows
    return {name: values[at] if isinstance(values, np.ndarray) else [values[i] for i in at]
            for name, values in table.items()}


def rows_that_say(action: Sequence[str], table: dict[str, Sequence]) -> dict[str, Sequence]:
    """Those that say what was done, in each column of the action that is there."""
    if not (names := [name for name in action if name in table]):
        return table
    says = are_told(names, table)
    return table if says.all() else rows_of(table, says)


def are_told(action: Sequence[str], table: Mapping[str, Sequence]) -> np.ndarray:
    """Which rows say what was done: (rows,) of booleans."""
    return ~np.any([is_missing(np.asarray(table[name])) for name in action], axis=0)


def is_missing(values: np.ndarray) -> np.ndarray:
    """Which are None, or NaN where all are floats: (rows,)."""
    if values.dtype.kind == "f":
        return np.isnan(values)
    return np.array([value is None for value in values], bool)
