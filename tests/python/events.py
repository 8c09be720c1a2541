"""Raw events that tests are made of."""

import random

KINDS = [
    {"event_id": "app_launched", "country": "DK", "signin_method": "fb"},
    {"event_id": "game_start"}, {"event_id": "game_end", "won": "1"},
    {"event_id": "offer_shown", "offer_type": "x", "offer_price": "1.99"},
    {"event_id": "purchase", "txn_amount": "4.99"}, {"event_id": "purchase"},
]


def batch(chance: random.Random, size: int = 400) -> list[dict]:
    """Events of any time, some of them rejects, some the same as others."""
    return [
        chance.choice(KINDS) | {
            "event_time": f"2025-01-{chance.randint(1, 20):02}T10:{chance.randint(0, 59):02}:00",
            "customer_identifier": f"u{chance.randint(0, 30)}",
            "session_id": f"s{chance.randint(0, 9)}",
        }
        for _ in range(size)
    ]


def offers(day: int, count: int = 3) -> list[dict]:
    return [{"event_id": "offer_shown", "event_time": f"2025-01-{day:02}T10:00:0{n}",
             "customer_identifier": f"u{n}", "offer_type": "x", "offer_price": "9.99"}
            for n in range(count)]


def at(day: int, clock: str, session: str = "s", kind: str = "game_start", **own) -> dict:
    return {"event_id": kind, "event_time": f"2025-01-0{day}T{clock}",
            "session_id": session, **own}
