"""Declarations of sessions, and what they make of the events of test_declarations."""

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
