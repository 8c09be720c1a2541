"""What a warehouse holds, in numbers."""

import duckdb

COUNTS = """
select
    (select count(*) from landing.landed_files) as files,
    (select count(*) from landing.landed_files where error is not null) as unreadable,
    (select coalesce(sum(line_count), 0) from landing.landed_files) as lines,
    (select coalesce(sum(rejected_count), 0) from landing.landed_files) as rejected,
    (select count(*) from landing.landed_events where is_erased) as erased,
    (select count(*) from landing.repeated_events where delivery_number > 1) as repeats,
    (select count(*) from sessions.user_activity) as users,
    (select max(last_event_at) from sessions.user_activity) as newest_event_at,
    (select max(landed_at) from landing.landed_files) as newest_landing_at,
    (select watermark_at from sessions.watermark) as watermark_at
"""


def landed_counts(con: duckdb.DuckDBPyConnection) -> dict:
    """Files and those that are unreadable; lines and of these rejected, erased and repeats;
    users; when the newest event, the newest landing and the watermark are (UTC), None where
    nothing is."""
    cursor = con.execute(COUNTS)
    names = [column[0] for column in cursor.description]
    return dict(zip(names, cursor.fetchone(), strict=True))
