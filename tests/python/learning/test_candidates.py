"""The seed of candidates, and who can be offered what."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from offer_ai.learning.candidates import CandidatesError, candidates, eligible, read_candidates

HEAD = "offer_type,offer_price"
FULL = f"{HEAD},valid_from,valid_to,countries,most_per_user_week"
AT = datetime(2025, 6, 1, 12, tzinfo=UTC)


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
    ("gems,1,,,,", set(), "none of the offers of the request"),
    ("gems,1,2030-01-01,,,", None, "none is valid at that time"),
    ("gems,1,,,DK,", None, "none is for the user's country"),
    ("gems,1,,,,1", None, "as often as a week allows"),
])
def test_why_nothing_is_eligible(tmp_path, row, offers, reason):
    found, said = eligible(read(tmp_path, f"{FULL}\n{row}\n"), AT, "US",
                           [("gems", Decimal(1))], offers)
    assert found == []
    assert reason in said
