"""Files of lines with random damage: no good line is lost, changed or doubled."""

import json
import os
import random
from pathlib import Path

from built import build_and_test, rows

FILES = int(os.environ.get("OFFER_AI_DAMAGED", "250"))
LINES = 12


def line(number: int) -> bytes:
    """One event in a form that no other has: `score` is its number."""
    return json.dumps({
        "event_id": "game_end", "event_time": f"2025-01-01T10:{number % 60:02}:00",
        "customer_identifier": f"u{number % 7}", "session_id": f"s{number % 3}",
        "score": number, "badge": "a {brace}, a \\ and a \"quote\"", "won": number % 2}).encode()


def cut(lines: list[bytes], chance: random.Random) -> None:
    """A writer that was killed in the middle of a line."""
    index = chance.randrange(len(lines))
    if len(lines[index]) > 1:
        lines[index] = lines[index][:chance.randrange(1, len(lines[index]))]


def break_up(lines: list[bytes], chance: random.Random) -> None:
    """A logger that wraps a long line."""
    index = chance.randrange(len(lines))
    place = chance.randrange(1, len(lines[index])) if len(lines[index]) > 1 else 0
    lines[index:index + 1] = [lines[index][:place], lines[index][place:]]


def join(lines: list[bytes], chance: random.Random) -> None:
    """A writer that forgot a line's end."""
    if len(lines) > 1:
        index = chance.randrange(len(lines) - 1)
        lines[index:index + 2] = [lines[index] + lines[index + 1]]


def stray(lines: list[bytes], chance: random.Random) -> None:
    """A byte that was not there."""
    index = chance.randrange(len(lines))
    place = chance.randrange(len(lines[index]) + 1)
    byte = chance.choice([b"\0", b"\xff", b"{", b"}", b"[", b'"', b"\\", b"\r", b":"])
    lines[index] = lines[index][:place] + byte + lines[index][place:]


def test_no_good_line_is_lost_changed_or_doubled(tmp_path):
    chance = random.Random(int(os.environ.get("OFFER_AI_SEED", "1")))
    good, texts = set(), {}
    number = 0
    for file in range(FILES):
        whole = [line(number + n) for n in range(LINES)]
        texts |= {number + n: text for n, text in enumerate(whole)}
        lines = whole.copy()
        for _ in range(chance.randint(1, 5)):
            chance.choice([cut, break_up, join, stray])(lines, chance)
        good |= {number + n for n, text in enumerate(whole) if text in lines}
        number += LINES
        Path(tmp_path, f"{file}.ndjson").write_bytes(b"\n".join(lines))
    database = tmp_path / "w.duckdb"
    build_and_test(tmp_path / "*.ndjson", database)
    found = rows(database, """
        select score, user_id, session_id, badge, won, minute(event_time) as minute
        from staging.stg_events""")
    scores = [event["score"] for event in found if event["score"] in good]
    assert sorted(scores) == sorted(good)
    for event in found:
        if event["score"] in good:
            sent = json.loads(texts[event["score"]])
            assert event == {
                "score": sent["score"], "user_id": sent["customer_identifier"],
                "session_id": sent["session_id"], "badge": sent["badge"],
                "won": bool(sent["won"]), "minute": event["score"] % 60}
    assert len(good) > FILES * LINES / 2
    # What is no event is told, line by line.
    (counts,) = rows(database, """
        select count(*) as rejects, count(distinct source_file) as files
        from landing.rejected_events where line_number is not null""")
    assert counts["rejects"] > FILES / 2
