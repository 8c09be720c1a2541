"""Each metric is what plain SQL says, by MetricFlow's own SQL on a built warehouse."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pandas
import pytest

from built import build, copy_project, dbt, rows, write_events
from offer_ai.base.settings import ROOT
from played import played

FIRST = """
    select {value} from (
        select arm, next_week_purchase_amount as revenue from staging.stg_decisions
        join marts.training_offers using (offer_id)
        where arm is not null and is_label_mature qualify row_number() over (
            partition by policy_in_place, stg_decisions.user_id order by event_time, offer_id) = 1)
    where arm = '{arm}'"""
PLAIN = {
    "revenue": "select sum(txn_amount) from staging.stg_purchases",
    "purchases": "select count(*) from staging.stg_purchases where txn_amount > 0",
    "payers": "select count(distinct user_id) from staging.stg_purchases where txn_amount > 0",
    "active_users": "select count(distinct user_id) from staging.stg_events",
    "new_users": "select count(*) from sessions.user_activity",
    "sessions": "select count(*) from marts.sessions",
    "games_played": "select count(*) from staging.stg_game_starts",
    "games_won": "select count(*) from staging.stg_game_ends where won",
    "offers_shown": "select count(*) from staging.stg_offers_shown",
    "offers_taken": "select count(*) from staging.stg_offers_shown where offer_purchased",
    "mature_offers": "select count(*) from marts.training_offers where is_label_mature",
    "policy_users": FIRST.format(value="count(*)", arm="policy"),
    "policy_revenue": FIRST.format(value="sum(revenue)", arm="policy"),
    "holdout_users": FIRST.format(value="count(*)", arm="holdout"),
    "holdout_revenue": FIRST.format(value="sum(revenue)", arm="holdout"),
    "mature_offer_revenue": """select sum(next_week_purchase_amount) from marts.training_offers
        where is_label_mature""",
}
RATIOS = {
    "payer_share": ("payers", "active_users"),
    "revenue_per_active_user": ("revenue", "active_users"),
    "revenue_per_payer": ("revenue", "payers"),
    "sessions_per_user": ("sessions", "active_users"),
    "games_per_session": ("games_played", "sessions"),
    "win_ratio": ("games_won", "games_played"),
    "take_rate": ("offers_taken", "offers_shown"),
    "revenue_per_offer": ("mature_offer_revenue", "mature_offers"),
    "revenue_per_policy_user": ("policy_revenue", "policy_users"),
    "revenue_per_holdout_user": ("holdout_revenue", "holdout_users"),
}


@pytest.fixture(scope="module")
def queried(tmp_path_factory):
    """A warehouse and `mf query` on it: its answer as a table."""
    folder = tmp_path_factory.mktemp("metrics")
    write_events(folder / "e.ndjson", *played())
    build(folder / "e.ndjson", folder / "w.duckdb")
    project = copy_project(folder)  # mf reads what dbt parsed from its target
    dbt("parse", "--write-json", events=folder / "e.ndjson", database=folder / "w.duckdb",
        project=project)

    def query(*arguments: str) -> pandas.DataFrame:
        done = subprocess.run(
            [Path(sys.executable).parent / "mf", "query", *arguments, "--csv", folder / "a.csv"],
            cwd=project, capture_output=True, text=True,
            env=os.environ | {"OFFER_AI_DB": str(folder / "w.duckdb"),
                 "OFFER_AI_EVENTS": str(folder / "e.ndjson"), "DBT_PROFILES_DIR": str(project)})
        assert done.returncode == 0, done.stdout + done.stderr
        return pandas.read_csv(folder / "a.csv")

    return folder, query


@pytest.mark.long
def test_each_metric_is_what_sql_says(queried):
    folder, query = queried
    found = query("--metrics", ",".join([*PLAIN, *RATIOS, "lift"]),
                  "--group-by", "metric_time__year")
    (row,) = found.to_dict("records")
    plain = {name: float(next(iter(rows(folder / "w.duckdb", text)[0].values())))
             for name, text in PLAIN.items()}
    ratios = {name: plain[above] / plain[below] for name, (above, below) in RATIOS.items()}
    lift = ratios["revenue_per_policy_user"] - ratios["revenue_per_holdout_user"]
    assert lift != 0
    for name, value in {**plain, **ratios, "lift": lift}.items():
        assert row[name] == pytest.approx(value), name
    declared = re.findall(r"  - \{name: (\w+), label", (
        ROOT / "models" / "marts" / "_metrics.yml").read_text())
    assert set(declared) == {*PLAIN, *RATIOS, "lift"}


@pytest.mark.long
def test_a_metric_by_week_and_country(queried):
    folder, query = queried
    found = query("--metrics", "revenue,active_users", "--group-by",
                  "metric_time__week,player__country")
    expected = rows(folder / "w.duckdb", """
        select week::varchar as week, country, active_users, revenue::double as revenue
        from marts.weekly_revenue""")
    assert len(found) == len(expected)
    for row in expected:
        (that,) = [other for other in found.to_dict("records") if (
            other["metric_time__week"][:10] == row["week"]
            and (other["player__country"] == row["country"] or (
                row["country"] is None and other["player__country"] != other["player__country"])))]
        assert that["active_users"] == row["active_users"]
        assert that["revenue"] == pytest.approx(row["revenue"])


@pytest.mark.long
def test_the_lines_of_the_readme(queried):
    """Each `mf query` of README answers."""
    _, query = queried
    lines = re.findall(r"^mf query (.*)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert len(lines) == 5
    for line in lines:
        assert len(query(*line.split())), line
