"""Declarations of features; those of sessions, and what they make of test_declarations' events."""

import json

FEATURES = "  features:\n"  # where dbt_project.yml begins to list them


def feature(name: str, data_type: str, **meta) -> str:
    """An entry of `features` as a line of dbt_project.yml."""
    return "    - " + json.dumps({"name": name, "description": name, "data_type": data_type,
                                  "config": {"meta": meta}}) + "\n"


SPLIT = "session_split: {by: session_id}"
SPLITS = {
    SPLIT: [("a", 4), ("b", 2)],
    "session_split: {order_by: event_time, split_on: cast(event_time as date) <> "
    "cast(previous.event_time as date)}": [("1", 2), ("2", 4)],
    "session_split: {order_by: event_time, split_on: event_time > previous.event_time "
    "+ interval 30 minute}": [("1", 4), ("2", 2)],
    "session_split: {order_by: event_time, split_on: event_type = 'offer_shown'}":
        [("1", 5), ("2", 1)],
}
