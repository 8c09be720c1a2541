"""The page in a browser: what it shows is what SQL says, for any days and country."""

import json
import re
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from built import build, rows, write_events
from commands import environment, export, run
from events import offers
from figures import CHOSEN, FIGURES
from offer_ai.report.writing import SOURCES, json_in_html
from played import START, STEPS, played

EVERY = ("2025-01-01", "2025-01-20", None)
SOME = ("2025-01-04", "2025-01-11", "DE")
CHARTS = ("events", "arrivals", "rejects", "active", "new_users", "retention", "sessions", "wins",
          "revenue", "payers", "per_user", "offers", "takes", "countries", "sign_in", "lift",
          "decisions", "drift", "skew", "calibration", "importance")


def make(folder: Path) -> Path:
    """Publishes the marts of a folder's warehouse and the page; returns its path."""
    export(folder, "marts")
    done = run("report", env=environment(folder))
    assert done.returncode == 0, done.stderr
    return folder / "export" / "report.html"


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    """The page of a game whose last file brings what is late, repeated or no event."""
    folder = tmp_path_factory.mktemp("page")
    events = played()
    write_events(folder / "events" / "1.ndjson", *events[200:])
    build(folder / "events", folder / "w.duckdb")
    write_events(folder / "events" / "2.ndjson", *events[:200], *events[300:310],
                 {"event_time": "soon"}, {"event_id": "purchase", "txn_amount": "much"})
    build(folder / "events", folder / "w.duckdb")
    models = folder / "export" / "models" / "m1"
    models.mkdir(parents=True)
    (models.parent / "promotions.ndjson").write_text(json.dumps(STEPS[0]) + "\nno step\n")
    (models.parent / "promoted.json").write_text(json.dumps(STEPS[0]))
    (models / "model.json").write_text(json.dumps({
        "kind": "effects", "label": "next_week_purchase_amount",
        "part": "first_hour_offer_amount", "calibration": [
        {"predicted": 1.0, "earned": 1.5, "rows": 10},
        {"predicted": 2.0, "earned": 2.5, "rows": 9}]}))
    (models / "importance.csv").write_text("feature,gain\ncountry,3\noffer_price,1\n")
    return make(folder)


def assert_accessible(page) -> None:
    """By the rules of axe."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright  # which other processes need not import

    path = shutil.which("chromium")
    assert path, "The page is tested in Chromium: run make setup-test, or install it."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser):
    """Opens a page file; at the end it has asked for nothing and said nothing."""
    heard, contexts = [], []

    def open_page(path, width=1440, scheme="light"):
        context = browser.new_context(viewport={"width": width, "height": 900},
                                      color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: heard.append(request.url)
                if request.url not in (f"file://{path}", "data:,") else None)
        page.on("console", lambda message: heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.set_default_timeout(15_000)
        page.goto(f"file://{path}")
        page.wait_for_selector("body[data-ready=yes]")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert heard == []


def choose(page, first: str, last: str, country: str | None) -> None:
    page.fill("#from", first)
    page.fill("#to", last)
    page.select_option("#country", country or "")
    page.wait_for_selector("body[data-ready=yes]")


def comparable(found: list[dict], names) -> list[str]:
    """Rows as text, with so many columns and decimals, sorted."""
    def plain(value):
        if isinstance(value, bool) or value is None or isinstance(value, str):
            return value
        return round(float(value), 3)

    return sorted(json.dumps([plain(row[name]) for name in names]) for row in found)


@pytest.mark.parametrize("choice", [EVERY, SOME], ids=["all", "some"])
def test_every_figure_is_what_sql_says(page_file, opened, choice):
    first, last, country = choice
    page = opened(page_file)
    choose(page, *choice)
    warehouse = page_file.parents[1] / "w.duckdb"
    for name, query in FIGURES.items():
        text = f"{CHOSEN}, figure as ({query}) from figure"
        for word, value in {"$first": first, "$last": last, "$country": country}.items():
            text = text.replace(word, f"'{value}'" if value else "null::varchar")
        expected = rows(warehouse, text)
        found = page.evaluate("(id) => offerAI.rows(id)", name)
        for row in found:
            if isinstance(row.get("day"), int | float):
                row["day"] = str(START.date() + timedelta(days=row["day"]))
        if name == "events":
            found = [row for row in found if row["events"]]
        assert expected, name
        assert comparable(found, expected[0]) == comparable(expected, expected[0]), name


def test_the_lift_is_that_of_the_mart(page_file, opened):
    page = opened(page_file)
    choose(page, *EVERY)
    expected = rows(page_file.parents[1] / "w.duckdb", """
        select policy_version, lift, lift_low, lift_high, warnings from marts.policy_lift
        where arm = 'policy'
        qualify day = max(day) over (partition by policy_version) order by 1""")
    found = page.evaluate("offerAI.rows('lift')")
    assert len(found) == 3
    for row, other in zip(sorted(found, key=lambda row: row["policy"]), expected, strict=True):
        assert (row["policy"], row["why"]) == (other["policy_version"], other["warnings"])
        for name in ("lift", "lift_low", "lift_high"):
            assert row[name.removeprefix("lift_")] == pytest.approx(other[name], abs=1e-4)


@pytest.mark.parametrize(("outlier", "held_out", "big", "says"), [
    (10, 500, "Yes", "more per player than the holdout"),
    (1000, 500, "Not sure yet", "a few users make nearly all of the variance"),
    (10, 0, "Not known yet", "nothing varies between users of an arm"),
], ids=["many", "few", "nobody"])
def test_the_policy_earns_more_only_where_the_interval_covers(
        page_file, opened, outlier, held_out, big, says):
    """Of 1,000 players each: in the policy's arm half pay 10, one of them another amount; in the
    holdout some pay 1. Of the policy that was met last alone there would be another answer."""
    page = opened(page_file)
    arms = {"day": [0, 0, 0], "country": ["DE"] * 3, "policy": ["all-promoted"] * 2 + ["m1"],
            "arm": ["policy", "holdout", "policy"], "users": [1000] * 3} | {
        f"s{power}": [499 * 10**power + outlier**power, held_out, 0] for power in (1, 2, 3, 4)}
    page.evaluate("(arms) => { offerAI.data.arms = arms; }", arms)
    choose(page, *EVERY)
    assert page.inner_text("#answer-policy .big") == big
    assert says in page.inner_text("#answer-policy .small")
    assert page.get_attribute("#answer-policy", "data-mood") == ("good" if big == "Yes" else "")


def test_a_stranger_finds_the_answers(page_file, opened):
    """Yesterday's revenue, Germany's best offer, policy against holdout, what is wrong."""
    page = opened(page_file)
    warehouse = page_file.parents[1] / "w.duckdb"
    (day,) = rows(warehouse, """select sum(revenue)::decimal(9, 2)::varchar as revenue
        from marts.daily_activity where day = '2025-01-20'""")
    answer = page.inner_text("#answer-revenue")
    assert day["revenue"] in answer.replace(",", "") and "20 Jan 2025" in answer
    (best,) = rows(warehouse, """
        select offer_type || ' ' || offer_price::decimal(9, 2) as offer
        from marts.training_offers where is_label_mature and country = 'DE'
        group by all having count(*) >= 100
        order by avg(next_week_purchase_amount) desc limit 1""")
    page.click("#figure-countries summary")
    assert f"Germany\t{best['offer']}" in page.inner_text("#figure-countries table")
    choose(page, "2025-01-01", "2025-01-20", "DE")
    assert best["offer"] in page.inner_text("#answer-offer")
    assert "Germany" in page.inner_text("#answer-offer")
    choose(page, *EVERY)
    row = next(row for row in page.evaluate("offerAI.rows('lift')")
               if row["policy"] == "all-promoted")
    verdict = "Yes" if row["low"] > 0 else "No, " if row["high"] < 0 else "Not sure yet"
    assert verdict in page.inner_text("#answer-policy")
    # The game was played long ago.
    assert "Not so: events still come" in page.inner_text("#answer-data")


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1440, "light"), *(
    pytest.param(*other, marks=pytest.mark.long) for other in ((390, "light"), (1440, "dark")))])
def test_it_can_be_read(page_file, opened, width, scheme):
    """Nothing runs out of the page, each chart has marks, axe-core finds nothing."""
    page = opened(page_file, width, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for name in CHARTS:
        marks = page.locator(f"#figure-{name} .chart svg").locator(
            ".role-mark path[d], .role-mark line").count()
        assert marks > 0, name
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    page.wait_for_selector("#figure-events table")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert_accessible(page)


def test_it_says_what_numbers_are_of(page_file, opened):
    page = opened(page_file)
    assert "amounts are in USD" in page.inner_text("header")
    assert "in USD" in page.inner_text("#figure-revenue .says")
    assert "first_hour_offer_amount" in page.inner_text("#figure-calibration .says")
    assert "squared weights" in page.inner_text("#figure-importance .says")


def test_promotions_are_marked(page_file, opened):
    page = opened(page_file)
    choose(page, *EVERY)
    rules = ".mark-rule.role-mark line"
    assert page.locator("#figure-decisions").locator(rules).count() == 1
    choose(page, "2025-01-08", "2025-01-20", None)
    assert page.locator("#figure-decisions").locator(rules).count() == 0


@pytest.mark.parametrize(("events", "says"), [
    ([{"event_time": "soon"}], "No event has landed yet"),
    pytest.param([{"customer_identifier": user} for user in "abc"], "No offer was shown yet",
                 marks=pytest.mark.long),
    ([event for day in (1, 2, 3) for event in offers(day)], "No offer is 7 days old yet"),
], ids=["empty", "no offer", "first week"])
def test_what_is_still_missing(tmp_path, opened, events, says):
    write_events(tmp_path / "events" / "1.ndjson", *events)
    build(tmp_path / "events", tmp_path / "w.duckdb")
    page = opened(make(tmp_path))
    assert says in page.inner_text("main")
    assert "Not known yet" in page.inner_text("#answer-policy") or "Nothing" in page.inner_text(
        "#answer-policy")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1440
    assert_accessible(page)


@pytest.mark.quick
def test_no_text_of_an_event_is_markup():
    """In the data of the page nothing ends its element, and no script writes markup."""
    hostile = "</script><!--<script>\u2028"
    text = json_in_html({hostile: hostile})
    assert "<" not in text and json.loads(text) == {hostile: hostile}
    for script in SOURCES.glob("*.js"):
        assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(",
                             script.read_text()), script
