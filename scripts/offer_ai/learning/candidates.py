"""The offers that can be made: what the seed says of them, and to whom each is eligible."""

import csv
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import numpy as np

from offer_ai.base import declarations, settings
from offer_ai.base.actions import Action, Actions, numbers, words
from offer_ai.base.settings import ROOT

CANDIDATES = ROOT / "seeds" / "offer_candidates.csv"
OPTIONAL = ("valid_from", "valid_to", "countries", "most_per_user_week")

Offer = Action  # of `offers`: type and exact price


class CandidatesError(ValueError):
    """The file of candidates cannot be used; the message says where and why."""


@dataclass(frozen=True)
class Candidate:
    """An offer that can be made (any point's action), while `valid_from` <= t < `valid_to`, to
    users of `countries` (upper case; all users where empty), at most `most_per_user_week` times to
    one user in 7 days. None bounds nothing.
    """

    offer: Offer
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    countries: frozenset[str] = frozenset()
    most_per_user_week: int | None = None

    @cached_property
    def as_float(self) -> tuple[str | float, ...]:
        """The offer as models see it."""
        return numbers(self.offer)

    @property
    def words(self) -> str:
        """The offer in words: gems at 4.99."""
        return words(self.offer)


def file_of(point: dict) -> Path:
    """The file of the candidates of a decision point, seeds/<one>_candidates.csv: of the project
    that the user stands in, or, of `offers`, else the one that is shipped."""
    own = settings.project_folder() / "seeds" / f"{point['one']}_candidates.csv"
    return CANDIDATES if point["name"] == declarations.OFFERS and not own.exists() else own


def read_candidates(path: Path | None = None, actions: Actions | None = None) -> list[Candidate]:
    """The candidates of the file, in its order, of these actions; those of the first decision
    point by default. Raises CandidatesError, in one sentence."""
    if path is None or actions is None:
        point = declarations.decision_point()
        path, actions = path or file_of(point), actions or Actions.declared(point)
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError as error:
        raise CandidatesError(
            f"{path} cannot be read, as it is not there: it lists what can be chosen, a column for "
            f"each of {', '.join(actions.names)}, a line for each candidate.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise CandidatesError(f"{path.name} cannot be read as UTF-8 text: {error}") from error
    if text.startswith("\ufeff"):
        raise CandidatesError(
            f"{path.name} begins with a byte order mark: save it as UTF-8 without one.")
    rows = csv.DictReader(text.splitlines())
    names = rows.fieldnames or []
    if missing := [name for name in actions.names if name not in names]:
        raise CandidatesError(
            f"{path.name} has no column {missing[0]}: its first line names the columns, "
            "separated by commas.")
    if unknown := [name for name in names if name not in actions.names + OPTIONAL]:
        raise CandidatesError(f"{path.name} has a column {unknown[0]!r} that means nothing here.")
    found: dict[Offer, int] = {}
    candidates = []
    for row in rows:
        where = f"{path.name}, line {rows.line_num}"
        candidate = parse(row, where, actions)
        if candidate.offer in found:
            raise CandidatesError(
                f"{where}: {candidate.words} is on line {found[candidate.offer]} already.")
        found[candidate.offer] = rows.line_num
        candidates.append(candidate)
    if not candidates:
        raise CandidatesError(
            f"{path.name} lists no {actions.one}: there is nothing to decide between.")
    return candidates


def parse(row: dict, where: str, actions: Actions) -> Candidate:
    """A row of the file; raises CandidatesError."""
    if None in row or None in row.values():
        raise CandidatesError(f"{where} has not as many fields as the first line.")
    row = {name: value.strip() for name, value in row.items()}
    try:
        offer = actions.read(row)
    except ValueError as error:
        raise CandidatesError(f"{where}: {error}.") from error
    most = row.get("most_per_user_week") or None
    if most is not None and not (most.isascii() and most.isdigit() and int(most) > 0):
        raise CandidatesError(f"{where}: most_per_user_week {most!r} is no whole number above 0.")
    valid_from, valid_to = (instant(row.get(name) or None, where)
                            for name in ("valid_from", "valid_to"))
    if valid_from and valid_to and valid_from >= valid_to:
        raise CandidatesError(f"{where}: valid_from is not before valid_to.")
    return Candidate(offer, valid_from, valid_to,
                     frozenset((row.get("countries") or "").upper().split()),
                     None if most is None else int(most))


def instant(text: str | None, where: str) -> datetime | None:
    """A date (its first instant) or a time, UTC where it has no offset."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise CandidatesError(f"{where}: {text!r} is no date or time (ISO 8601).") from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def eligible(candidates: Sequence[Candidate], at: datetime, country: str | None,
             made: Sequence[Offer] = (), offers: Collection[Offer] | None = None
             ) -> tuple[list[Candidate], str | None]:
    """Those that can be offered to a user then, and, where none can, why the last of them fell.

    `country` is the user's, None when nobody knows it (then no candidate that names
    countries is eligible); `made` what the user was offered in the 7 days before `at`;
    `offers` what the request allows, None for all.
    """
    reason = None
    for is_so, why in (
        (lambda c: offers is None or c.offer in offers,
         "none of the offers of the request is a candidate"),
        (lambda c: (c.valid_from is None or c.valid_from <= at)
            and (c.valid_to is None or at < c.valid_to), "none is valid at that time"),
        (lambda c: not c.countries or (country or "").upper() in c.countries,
         "none is for the user's country"),
        (lambda c: c.most_per_user_week is None or made.count(c.offer) < c.most_per_user_week,
         "the user was offered each as often as a week allows"),
    ):
        left = [candidate for candidate in candidates if is_so(candidate)]
        if candidates and not left:
            reason = why
        candidates = left
    return list(candidates), reason


def candidates(path: Path = CANDIDATES) -> list[tuple[str, float]]:
    """Every offer of the file, whoever is eligible: (type, price) each, in its order."""
    return [candidate.as_float for candidate in read_candidates(path)]


def index_of(offers: Sequence[tuple[str, float]], kinds: Sequence, prices: Sequence) -> np.ndarray:
    """Which offer each (kind, price) is; -1 for none."""
    known = {offer: index for index, offer in enumerate(offers)}
    return np.array([known.get((kind, float(price)), -1)
                     for kind, price in zip(kinds, prices, strict=True)], int)
