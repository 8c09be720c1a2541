"""A small game over three weeks, with a policy and a holdout, for the page and for drift."""

import json
from datetime import datetime, timedelta

import numpy as np

START = datetime(2025, 1, 1)
DAYS, USERS = 20, 900
FITTED = {"first": "2025-01-01", "last": "2025-01-06"}
OFFERS = [("gems", "4.99"), ("vip", "9.99")]
COUNTRIES = ["DE", "US", "DK", None]
STEPS = [{"step": "promoted", "model": "m1", "why": ["better"], "at": "2025-01-07T08:00:00+00:00"}]


def played(drifts: bool = False) -> list[dict]:
    """Its events; with `drifts` most players seem to live in SE from the 15th on."""
    rng = np.random.default_rng(7)
    events = []
    for user in range(USERS):
        country = COUNTRIES[rng.choice(4, p=[0.4, 0.3, 0.2, 0.1])]
        arm = "holdout" if rng.random() < 0.3 else "policy"
        first = int(rng.integers(0, 12))
        for day in range(first, DAYS):
            if day > first and rng.random() < 0.6:
                continue
            if drifts and day >= 14 and rng.random() < 0.9:
                country = "SE"
            events += visit(rng, f"u{user}", country, arm, day)
    # The watermark: three users just after the last day.
    return events + [{"event_time": (START + timedelta(days=DAYS)).isoformat(),
                      "customer_identifier": f"u{n}", "session_id": "last"} for n in range(3)]


def visit(rng, user: str, country: str | None, arm: str, day: int) -> list[dict]:
    """A session: a launch, a game, an offer, and now and then a purchase or a refund."""
    at = START + timedelta(days=day, seconds=int(rng.integers(0, 80_000)))

    def event(kind, minutes, **own):
        return {"event_id": kind, "event_time": (at + timedelta(minutes=minutes)).isoformat(),
                "customer_identifier": user, "session_id": f"{user}-{day}", **own}

    is_model = day > 6
    chances = [0.5, 0.5] if arm == "holdout" or not is_model else [0.2, 0.8]
    made = int(rng.choice(2, p=chances))
    context = {"arm": arm, "in_place": "m1" if is_model else "fallback-uniform",
               "holdout_share": 0.3, "features": {"country": country},
               "features_landed_at": "2024-12-31T00:00:00",
               "candidates": [{"offer_type": kind, "offer_price": price, "probability": chance}
                              for (kind, price), chance in zip(OFFERS, chances, strict=True)],
               "target": {"policy_version": "m2", "offer_type": "vip", "offer_price": "9.99",
                          "propensity": 0.9, "predicted": 1.0, "value": 1.5}}
    if is_model:
        context["fitted"] = FITTED
    bought = rng.random() < (0.3 if made else 0.2)
    events = [
        event("app_launched", 0, country=country, signin_method=rng.choice(["fb", "google"])),
        event("game_start", 1), event("game_end", 2, won=str(int(rng.integers(0, 2)))),
        event("offer_shown", 3, offer_type=OFFERS[made][0], offer_price=OFFERS[made][1],
              offer_purchased=bool(bought), propensity=chances[made],
              policy_version="holdout-uniform" if arm == "holdout" else context["in_place"],
              decision_context=json.dumps(context))]
    if bought:
        events.append(event("purchase", 4, txn_amount=OFFERS[made][1]))
    if rng.random() < 0.03:
        events.append(event("purchase", 5, txn_amount="-1.5"))
    return events
