"""Makes a month of a web shop's events: lines of JSON without sessions, in data/events."""

import json
import random
from datetime import datetime, timedelta
from pathlib import Path

START, DAYS, VISITORS = datetime(2025, 3, 1), 30, 400
# What stands above the cart, drawn by chance, and how much it moves a visitor to pay.
NUDGES = {"nothing": 0.6, "free shipping": 1.4, "discount": 1.0}
CHANCE = 1 / len(NUDGES)
CONTEXT = json.dumps({"candidates": [{"nudge": nudge, "probability": CHANCE} for nudge in NUDGES]})


def visit(chance: random.Random, visitor: str, at: datetime, keenness: float):
    """The events of one visit: views, perhaps a look at the cart, perhaps a payment."""
    carts = 0
    for _ in range(1 + int(chance.expovariate(0.25))):
        seconds = 5 + int(chance.expovariate(0.02))
        yield {"event": "view", "at": at.isoformat(), "visitor": visitor,
               "product": chance.randint(1, 40), "seconds": seconds}
        at += timedelta(seconds=seconds)
        if chance.random() < 0.15 + 0.2 * keenness:
            carts += 1
            nudge = chance.choice(list(NUDGES))
            yield {"event": "cart", "at": at.isoformat(), "visitor": visitor, "items": carts,
                   "nudge": nudge, "propensity": CHANCE, "decision_context": CONTEXT}
            if chance.random() < 0.5 * keenness * NUDGES[nudge]:
                at += timedelta(minutes=2)
                yield {"event": "payment", "at": at.isoformat(), "visitor": visitor}
                carts = 0


def month(seed: int = 1) -> list[dict]:
    """All events, in order of time."""
    chance, events = random.Random(seed), []
    for number in range(VISITORS):
        keenness = chance.random()
        at = START + timedelta(days=chance.random() * DAYS)
        while at < START + timedelta(days=DAYS):
            events += visit(chance, f"v{number}", at.replace(microsecond=0), keenness)
            at += timedelta(days=chance.expovariate(0.2 + 0.4 * keenness))
    return sorted(events, key=lambda event: event["at"])


if __name__ == "__main__":
    folder = Path(__file__).parent / "data" / "events"
    folder.mkdir(parents=True, exist_ok=True)
    events = month()
    folder.joinpath("month.ndjson").write_text(
        "".join(json.dumps(event) + "\n" for event in events))
    print(f"{len(events):,} events of {VISITORS} visitors in {folder}")
