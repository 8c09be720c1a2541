"""The seed of candidates, and who can be offered what."""

import json
import time
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from offer_ai.base.actions import Actions
from offer_ai.learning import logged_candidates
from offer_ai.learning.candidates import (
    Candidate,
    CandidatesError,
    candidates,
    eligible,
    index_of,
    read_candidates,
)
from offer_ai.learning.logged_candidates import LoggedCandidates
from offer_ai.learning.table_rows import rows_of

pytestmark = pytest.mark.quick
HEAD = "offer_type,offer_price"
FULL = f"{HEAD},valid_from,valid_to,countries,most_per_user_week"
AT = datetime(2025, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def in_tokyo(monkeypatch):
    """The machine's own time is nine hours ahead."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def read(tmp_path, text: str):
    path = tmp_path / "offer_candidates.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_candidates(path)


@pytest.mark.parametrize(("text", "message"), [
    (f"{HEAD}\ngems,9.99\ngems,9.990\n", "line 3: gems at 9.99 is on line 2 already"),
    (f"{HEAD}\n", "lists no offer"),
    ("", "has no column offer_type"),
    (f"\ufeff{HEAD}\ngems,9.99\n", "byte order mark"),
    (f"{HEAD}\ngems,9.99\n".replace(",", ";"), "separated by commas"),
    (b"offer_type,offer_price\n\xff,1\n", "cannot be read as UTF-8"),
    (f"{HEAD}\n,9.99\n", "line 2: offer_type is missing"),
    (f"{HEAD}\ngems,cheap\n", "'cheap' is no price"),
    (f"{HEAD}\ngems,NaN\n", "'NaN' is no price"),
    (f"{HEAD}\ngems,0.00001\n", "four decimals"),
    (f"{HEAD}\ngems\n", "not as many fields"),
    (f"{HEAD},colour\ngems,1,red\n", "'colour' that means nothing"),
    (f"{FULL}\ngems,1,soon,,,\n", "'soon' is no date"),
    (f"{FULL}\ngems,1,2025-02-01,2025-01-01,,\n", "valid_from is not before valid_to"),
    (f"{FULL}\ngems,1,,,,0\n", "most_per_user_week '0'"),
])
def test_a_seed_that_cannot_be_used_is_one_sentence(tmp_path, text, message):
    with pytest.raises(CandidatesError, match=message) as raised:
        read(tmp_path, text)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(("row", "message"), [
    ("gems,1,,", "line 2 has not as many fields as the first line."),
    ("gems,1,,,,,7", "line 2 has not as many fields as the first line."),
    (" ,1,,,,", "line 2: offer_type is missing."),
    ("gems,-0.01,,,,", "line 2: offer_price '-0.01' is no price of at most four decimals."),
    ("gems,1e18,,,,", "line 2: offer_price '1e18' is no price of at most four decimals."),
    ("gems,inf,,,,", "line 2: offer_price 'inf' is no price of at most four decimals."),
    ("gems,1,,,,1.5", "line 2: most_per_user_week '1.5' is no whole number above 0."),
    ("gems,1,,,,\u00b2", "line 2: most_per_user_week '\u00b2' is no whole number above 0."),
    ("gems,1,,,,\u0663", "line 2: most_per_user_week '\u0663' is no whole number above 0."),
    ("gems,1,2025-01-01,2025-01-01,,", "line 2: valid_from is not before valid_to."),
    ("gems,1,,2025-13-01,,", "line 2: '2025-13-01' is no date or time (ISO 8601)."),
])
def test_what_is_said_of_a_row(tmp_path, row, message):
    with pytest.raises(CandidatesError) as raised:
        read(tmp_path, f"{FULL}\n{row}\n")
    assert str(raised.value) == f"offer_candidates.csv{', ' if 'line' in message else ''}{message}"


@pytest.mark.parametrize(("text", "message"), [
    (HEAD, " lists no offer: there is nothing to decide between."),
    ("offer_price\n1\n", " has no column offer_type: its first line names the columns, separated "
     "by commas."),
    (f"\ufeff{HEAD}\ngems,1\n",
     " begins with a byte order mark: save it as UTF-8 without one."),
    (f"{HEAD},colour\ngems,1,red\n", " has a column 'colour' that means nothing here."),
    (f"{HEAD}\ngems,1\ngems,1.0\n",
     ", line 3: gems at 1 is on line 2 already."),
])
def test_what_is_said_of_a_file(tmp_path, text, message):
    with pytest.raises(CandidatesError) as raised:
        read(tmp_path, text)
    assert str(raised.value) == f"offer_candidates.csv{message}"


def test_a_row_is_read_whole(tmp_path, in_tokyo):
    """Blanks around a value are none of it; times are UTC where nothing else is said."""
    row = " gems , 9.9900 ,2025-01-01,2025-01-02T01:00:00+02:00, dk  SE , 3 "
    (found,) = read(tmp_path, f"{FULL}\n{row}\n")
    assert found == Candidate(("gems", Decimal("9.99")), datetime(2025, 1, 1, tzinfo=UTC),
                              datetime(2025, 1, 1, 23, tzinfo=UTC), frozenset({"DK", "SE"}), 3)
    assert found.words == "gems at 9.99"
    (plain,) = read(tmp_path, f"{HEAD}\ngems,0\n")
    assert plain == Candidate(("gems", Decimal(0)))
    (dear,) = read(tmp_path, f"{HEAD}\ngems,999999999999999999.9999\n")
    assert dear.offer[1] == Decimal("999999999999999999.9999")


def test_which_offer_is_meant():
    offers = [("gems", 4.99), ("coins", 1.0)]
    found = index_of(offers, ["coins", "gems", "gems"], [Decimal(1), "4.99", 5])
    assert found.tolist() == [1, 0, -1] and found.dtype == int
    with pytest.raises(ValueError):
        index_of(offers, ["coins"], [1, 2])
    assert index_of(offers, [], []).dtype == int


def test_the_seed_of_the_project():
    assert len(candidates()) == 9
    assert read_candidates()[0].offer == ("starter", Decimal("0.99"))


def test_who_can_be_offered_what(tmp_path):
    """From valid_from on and before valid_to; of a country, if it is known; so often a week."""
    seed = read(tmp_path, FULL + """
always,1,,,,
from,1,2025-06-01T12:00:00,,,
later,1,2025-06-01T12:00:01,,,
past,1,,2025-06-01T12:00:00,,
nordic,1,,,DK se,
weekly,1.50,,,,2
""")

    def offered(at=AT, country=None, made=(), offers=None):
        found, _ = eligible(seed, at, country, made, offers)
        return [one.offer[0] for one in found]

    assert offered() == ["always", "from", "weekly"]
    assert offered(country="SE") == ["always", "from", "nordic", "weekly"]
    assert offered(country="dk")[2] == "nordic"
    weekly = ("weekly", Decimal("1.5"))
    assert "weekly" in offered(made=[weekly])
    assert "weekly" not in offered(made=[weekly, weekly])
    assert offered(offers={("from", Decimal("1.000")), ("other", Decimal(1))}) == ["from"]


@pytest.mark.parametrize(("row", "offers", "reason"), [
    ("gems,1,,,,", set(), "none of the offers of the request is a candidate"),
    ("gems,1,2030-01-01,,,", None, "none is valid at that time"),
    ("gems,1,,,DK,", None, "none is for the user's country"),
    ("gems,1,,,,1", None, "the user was offered each as often as a week allows"),
])
def test_why_nothing_is_eligible(tmp_path, row, offers, reason):
    found, said = eligible(read(tmp_path, f"{FULL}\n{row}\n"), AT, "US",
                           [("gems", Decimal(1))], offers)
    assert found == []
    assert said == reason


def test_where_something_is_eligible_nothing_is_said(tmp_path):
    """And of several reasons it is that of the last one to fall."""
    seed = read(tmp_path, f"{FULL}\ngems,1,,,,\ncoins,1,2030-01-01,,,\n")
    found, said = eligible(seed, AT, None)
    assert ([one.offer[0] for one in found], said) == (["gems"], None)
    found, said = eligible(seed, AT, None, offers={("coins", Decimal(1))})
    assert (found, said) == ([], "none is valid at that time")
    assert eligible([], AT, None) == ([], None)


def logged(*decisions):
    """A table of decisions: the offer that was made, and the JSON of its candidates."""
    return {"offer_type": [kind for kind, _, _ in decisions],
            "offer_price": [price for _, price, _ in decisions],
            "candidates": [text if text is None or isinstance(text, str) else json.dumps([
                {"offer_type": kind, "offer_price": price, "probability": chance}
                for kind, price, chance in text]) for _, _, text in decisions]}


def test_logged_candidates_are_of_any_form_or_none(monkeypatch):
    """In any order and form of a number; of what is cut, no list or lacks a value there is none."""
    actions = Actions(("offer_type", "offer_price"), ("text", "amount"))
    table = logged(
        ("gems", Decimal("4.99"), [("gems", 4.99, 0.7), ("vip", "19.99", 0.3)]),
        ("vip", Decimal("19.9900"), [("vip", "19.990", 1)]),
        ("gems", Decimal("4.99"), [("gems", "4.99", 0.4), ("old", 1, 0.6)]),
        ("vip", Decimal("19.99"), [("gems", 4.99, 1.0)]),
        (None, None, [("gems", 4.99, 1.0)]),
        ("gems", Decimal("4.99"), [("gems", 4.99, None), ("vip", 19.99, 0.3)]),
        *(("gems", Decimal("4.99"), text) for text in (
            None, "{", "[]", "3", '["x"]', [("gems", None, 1)], [("gems", "dear", 1)],
            [("gems", 4.99, 1), ("vip", None, 0)], '[{"offer_type": "gems", "probability": 1}]')))
    found = LoggedCandidates.of(table, actions)
    assert found.offers == [("gems", 4.99), ("old", 1.0), ("vip", 19.99)]
    assert found.made.tolist() == [0, 2, 0, -1, -1, 0] + 9 * [-1]
    assert found.are_logged.tolist() == 6 * [True] + 9 * [False]
    offers = [("vip", 19.99), ("gems", 4.99), ("new", 1.0)]
    chances = found.chances(offers, np.arange(15))
    assert chances[:3].tolist() == [[0.3, 0.7, 0.0], [1.0, 0.0, 0.0], [0.0, 0.4, 0.0]]
    assert np.isnan(chances[3:]).all()
    assert found.chances(offers, np.array([2, 0])).tolist() == chances[[2, 0]].tolist()
    some = np.arange(15) != 2
    kept, anew = found.rows(some), LoggedCandidates.of(rows_of(table, some), actions)
    assert kept.offers == anew.offers and kept.made.tolist() == anew.made.tolist()
    assert np.array_equal(kept.is_candidate, anew.is_candidate)
    assert np.array_equal(kept.probability, anew.probability, equal_nan=True)
    monkeypatch.setattr(logged_candidates, "AT_ONCE", 4)
    for texts in (pa.chunked_array([table["candidates"][:2], table["candidates"][2:]]),
                  np.array(table["candidates"], object)):
        again = LoggedCandidates.of(table | {"candidates": texts}, actions)
        assert again.offers == found.offers and again.made.tolist() == found.made.tolist()
        assert np.array_equal(again.probability, found.probability, equal_nan=True)
    none = LoggedCandidates.of(logged(("gems", 1.0, None)), actions)
    assert none.offers == []
    assert np.isnan(none.chances([("gems", 1.0)], np.arange(1))).tolist() == [[True]]


def test_logged_candidates_are_of_any_action():
    """A boolean as JSON or as text, and whole numbers; text that looks like a number stays text."""
    actions = Actions(("level", "size", "is_bonus"), ("text", "whole number", "boolean"))
    told = [[{"level": "1", "size": 2, "is_bonus": True, "probability": 0.25},
             {"level": "1.0", "size": "2", "is_bonus": "false", "probability": 0.75}]]
    found = LoggedCandidates.of({
        "level": ["1"], "size": [2], "is_bonus": [True],
        "candidates": list(map(json.dumps, told))}, actions)
    assert found.offers == [("1", 2.0, 1.0), ("1.0", 2.0, 0.0)]
    assert found.made.tolist() == [0] and found.probability.tolist() == [[0.25, 0.75]]
