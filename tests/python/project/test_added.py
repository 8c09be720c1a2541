"""What a user adds to the declarations, what README shows with it, breaks nothing: plain `dbt
build`, with every test."""

import os
import re
from datetime import datetime, timedelta
from decimal import Decimal
from textwrap import indent

import pytest

from built import build, dbt, edited, rows, write_events
from commands import PATHS, run
from compared import same
from declared import SPLIT
from events import at
from offer_ai.base.settings import ROOT

SHOWN = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def shown(start: str) -> str:
    """The last example of README that begins so, as it stands."""
    (*_, found) = [text for text in SHOWN if text.startswith(start)]
    return found


FIELD = "    sku: {type: text, description: What was bought.}\n"
FEATURES = "  features:\n" + indent(shown("- name: prev_28_days"), "    ") + """\
    - name: prev_day_chats
      description: Chats in [t - 1 day, t), by a model of the user's own.
      data_type: bigint
      config: {meta: {over: stg_chats_sent, before: {day: 1}, aggregate: count(mood), if_none: 0}}
    - name: mean_words_of_last_2_chats
      description: Words of the last two chats, by the type of event alone.
      data_type: double
      config: {meta: {over: chat_sent, before: {count: 2}, aggregate: avg(words)}}
"""
LABELS = """  labels:
    - name: chats_in_an_hour
      description: Chats in [t, t + 1 hour).
      data_type: bigint
      config: {meta: {over: chat_sent, after: {hour: 1}, aggregate: count(*), if_none: 0}}
"""
# Of all that one may say of an action, without a feature to decide by.
CHATS = """    chats:
      event: chat_sent
      one: chat
      time: chatted_at
      action: [words]
      columns: [{name: words, description: Its length., data_type: bigint}]
      features: []
      reward: chats_in_an_hour
      measures:
        - name: replies
          description: Chats in the hour.
          data_type: bigint
          config: {meta: {aggregate: sum(reward)}}
"""
POINTS = indent(shown("decision_points:"), "  ") + CHATS
CHANGES = [
    (FIELD, FIELD + "    mood: {type: text, description: A mood.}\n"
     "    words: {type: integer, of: chat_sent, required: true, description: Its length.}\n"),
    ("purchase, no_offer]", "purchase, no_offer, chat_sent, paywall_shown]"),
    (SPLIT, shown("session_split: {order_by").strip()),
    ("  features:\n", FEATURES), ("  labels:\n", LABELS), ("  decision_points:\n", POINTS),
    ("      stg_game_ends:", "      stg_chats_sent: {+materialized: view}\n      stg_game_ends:"),
]
MODEL = """select user_id, session_id, mood, words, event_time
from {{ ref('stg_events') }} where event_type = 'chat_sent'
"""
ABOUT = """models:
  - name: stg_chats_sent
    description: One row per chat.
"""


def events() -> list[dict]:
    """Chats, games, offers, paywalls and purchases of three users in eight days."""
    return [
        at(day, f"1{hour}:{minute:02}:00", f"s{day}", kind, customer_identifier=f"u{user}", **own)
        for user in range(3) for day in range(1, 9) for hour in (0, user) for minute, kind, own in (
            (0, "app_launched", {"country": "DK"}), (1, "game_start", {}),
            (2 + user, "chat_sent", {"words": day + hour, "mood": "good" if day % 2 else None}),
            (5, "paywall_shown", {"level": 3}), (6, "chat_sent", {"words": 2}),
            (7, "offer_shown", {"offer_type": "x", "offer_price": "9.99"}),
            (8, "paywall_shown", {"level": 4}), (9, "purchase", {"txn_amount": "4.99"}))]


def paywalls(landed: list[dict]) -> dict:
    """What training_paywalls may hold of these, by user and time."""
    found = {}
    for wall in landed:
        t = datetime.fromisoformat(wall["event_time"])
        paid = [datetime.fromisoformat(one["event_time"]) for one in {
            (one["customer_identifier"], one["event_time"]): one for one in landed
            if one["event_id"] == "purchase"}.values()
            if one["customer_identifier"] == wall["customer_identifier"]]
        week = timedelta(days=7)
        if wall["event_id"] == "paywall_shown":
            found[wall["customer_identifier"], t] = {
                "user_id": wall["customer_identifier"], "shown_at": t, "level": wall["level"],
                "country": "DK", "prev_week_purchase_amount": Decimal("4.99") * sum(
                    t - week <= at < t for at in paid),
                "next_week_purchase_amount": Decimal("4.99") * sum(
                    t <= at < t + week for at in paid)}
    return found


@pytest.mark.long
def test_all_at_once_breaks_no_build_and_no_test(tmp_path):
    """A field, a type of event with its model, features, labels, two more decision points and a
    candidate, in two batches; a batch is as a full build."""
    project, database = edited(tmp_path, *CHANGES), tmp_path / "w.duckdb"
    (project / "models/staging/stg_chats_sent.sql").write_text(MODEL)
    (project / "models/staging/stg_chats_sent.yml").write_text(ABOUT)
    seed = project / "seeds/offer_candidates.csv"
    seed.write_text(seed.read_text().rstrip("\n") + "\nboat,0.99" + "," * (
        seed.read_text().split("\n")[0].count(",") - 1) + "\n")
    done = run("decision_points", cwd=project, env=os.environ | PATHS)
    assert "2 decision points beside offers (paywalls, chats), 26 files written" in done.stdout, \
        done.stderr
    landed = events()
    write_events(tmp_path / "events" / "1.ndjson", *landed[::2])
    build(tmp_path / "events", database, project=project)
    write_events(tmp_path / "events" / "2.ndjson", *landed[1::2])
    results = dbt("build", events=tmp_path / "events", database=database, project=project)
    told = {result.node.name: str(result.status) for result in results}
    assert set(told.values()) <= {"success", "pass", "warn", "no-op"}, told
    assert told["no_feature_knows_the_future"] == "pass"
    assert "a_label_begins_with_the_offer" in told  # unit tests were run
    whole = tmp_path / "whole" / "w.duckdb"
    build(tmp_path / "events", whole, project=project)
    for relation in ("marts.training_offers", "marts.training_paywalls", "marts.latest_features"):
        same(rows(database, f"from {relation}"), rows(whole, f"from {relation}"))

    expected = paywalls(landed)
    found = rows(database, "select " + ", ".join(next(iter(expected.values())))
                 + " from marts.training_paywalls")
    assert len(found) == 8 * (2 + 3 + 3)  # of four a day, three
    assert all(row == expected[row["user_id"], row["shown_at"]] for row in found)
    played = "prev_28_days_games_played, last_3_sessions_win_ratio"
    assert rows(database, f"select {played} from marts.latest_features")
    offers = rows(database, "select prev_day_chats, chats_in_an_hour from marts.training_offers")
    assert max(row["chats_in_an_hour"] for row in offers) >= 1
    assert max(row["prev_day_chats"] for row in offers) >= 1

    chats = {(event["customer_identifier"], event["event_time"]) for event in landed
             if event["event_id"] == "chat_sent"}
    assert rows(database, "select sum(shown) as n from marts.chat_performance") \
        == [{"n": len(chats)}]
    assert rows(database, "select sum(replies) as n from marts.chat_performance") == rows(
        database, "select sum(chats_in_an_hour) as n from marts.training_chats")
    assert len(rows(database, "from marts.chat_policy_evaluation")) == 1
    for mart in ("decision_skew", "feature_drift", "policy_lift"):
        assert rows(database, f"from marts.chat_{mart}") == []

    export = tmp_path / "export"
    environment = os.environ | PATHS | {"OFFER_AI_DB": str(database),
                                        "OFFER_AI_EXPORT": str(export)}
    assert "paywalls" in run("export", "marts", cwd=project, env=environment).stdout
    assert "paywalls" in run("export", "training", cwd=project, env=environment).stdout
    assert (export / "training_paywalls" / "manifest.json").exists()
    assert (export / "training" / "manifest.json").exists()
