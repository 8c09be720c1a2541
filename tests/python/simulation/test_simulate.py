"""The simulated world: the same seed, the same game."""

import hashlib

import duckdb

from commands import run


def simulate(out, seed: int) -> dict[str, str]:
    """File name to digest of what a small world writes."""
    run("simulate", "--out", out, "--users", 200, "--days", 9, "--seed", seed, check=True)
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted((out / "events").iterdir())}


def test_the_same_seed_gives_the_same_files(tmp_path):
    first = simulate(tmp_path / "a", 1)
    assert len(first) == 10
    assert simulate(tmp_path / "b", 1) == first
    assert simulate(tmp_path / "c", 2) != first


def test_the_world_has_what_the_warehouse_must_stand(tmp_path):
    simulate(tmp_path, 1)
    events = f"read_json('{tmp_path}/events/*.ndjson')"
    def one(query: str):
        return duckdb.sql(query).fetchone()[0]

    assert one(f"select count(*) - count(distinct columns(*)::varchar) from "
               f"(select e::varchar from {events} as e)") > 0  # duplicates
    assert one(f"""select count(*) from (
        select event_time < lag(event_time) over () as is_back from {events})
        where is_back""") > 100  # disorder
    assert one(f"""select count(*) from (
        select session_id <> lag(session_id) over w and session_id = lag(session_id, 2) over w
            as is_interleaved from {events}
        window w as (partition by customer_identifier order by event_time))
        where is_interleaved""") > 0  # two devices
    share = one(f"""select avg(offer_purchased::boolean::int) from {events}
        where event_id = 'offer_shown'""")
    assert 0 < share < 0.5  # most offers earn nothing
    truth = f"read_parquet('{tmp_path}/truth.parquet')"
    assert one(f"select count(*) from {truth}") == 200 * 9
