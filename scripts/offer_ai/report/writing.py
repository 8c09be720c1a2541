"""The page: aggregates, figures and the charting library in one HTML file."""

import json
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import click
import duckdb
from jinja2 import Environment, FileSystemLoader

from offer_ai.base import declarations
from offer_ai.base.files import part_of
from offer_ai.report.aggregates import MAX_DAYS, read_aggregates
from offer_ai.report.models import read_fit, read_steps

PAGE = "report.html"
SOURCES = Path(__file__).parent / "page"
SCRIPTS = ("sums", "charts", "figures_data", "figures_offers", "page")
LIBRARY = "vl-convert-python"
QUESTIONS = {"revenue": "What did we earn on the last whole day?",
             "offer": "Which offer earns most?",
             "policy": "Does the policy earn more than the holdout?",
             "data": "Is the data healthy?"}
SECTIONS = {"data": "Is the data healthy?", "players": "Players", "money": "Money",
            "offers": "Offers", "policy": "The policy", "model": "Features and model"}


def is_installed() -> bool:
    """Whether the extra that the page needs is there."""
    return find_spec("vl_convert") is not None


def write_page(con: duckdb.DuckDBPyConnection, export: Path) -> Path:
    """Writes the page beside the published database, whole or not at all; returns its path.

    Raises ClickException without the charting library, or without what it shows.
    """
    if not is_installed():
        raise click.ClickException("The page needs its charting library: run `make setup-report`.")
    if not declarations.decision_points().get(declarations.OFFERS, {}).get("action"):
        raise click.ClickException("The page shows the decision point `offers`, which "
                                   "dbt_project.yml does not declare with an `action`.")
    made_at = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    found = read_aggregates(con, made_at)
    found["steps"] = read_steps(export / "models")
    found["calibration"], found["importance"], found["fit"] = read_fit(export / "models")
    checks = [dict(zip(found["checks"], row, strict=True))
              for row in zip(*found["checks"].values(), strict=True)]
    template = Environment(loader=FileSystemLoader(SOURCES), autoescape=True, trim_blocks=True
                           ).get_template("page.html.j2")
    text = template.render(
        questions=QUESTIONS, sections=SECTIONS, facts=found["facts"], days=found["days"],
        currency=found["currency"], made_at=made_at, checks=checks,
        missing=still_missing(found), footer=footer(found),
        css=source("page.css"), script="\n".join(source(f"{name}.js") for name in SCRIPTS),
        vega=charting_library(), data=json_in_html(found))
    export.mkdir(parents=True, exist_ok=True)
    path = export / PAGE
    part_of(path).write_text(text)
    part_of(path).replace(path)
    return path


def source(name: str) -> str:
    return (SOURCES / name).read_text()


def json_in_html(value: dict) -> str:
    """As JSON that ends no script element."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def charting_library() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script; made once for an environment, in 5 s."""
    kept = Path(sys.prefix) / "share" / "offer-ai" / f"vega-{version(LIBRARY)}.js"
    if kept.exists():
        return kept.read_text()
    import vl_convert

    # Inline, the end of a script element within it would end it.
    text = vl_convert.javascript_bundle().replace("</script", "<\\/script")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        part_of(kept).write_text(text)
        part_of(kept).replace(kept)
    except OSError:
        pass  # the environment is not ours to write to: it is made again next time
    return text


def still_missing(found: dict) -> list[str]:
    """What the page cannot show yet, and what brings it; in the order in which it comes."""
    if not found["days"]:
        return ["No event has landed yet: set OFFER_AI_EVENTS to your events and run `make build`."]
    sentences = []
    if found["whole_day"] < 0:
        sentences.append("The first day is not over: figures of days are partial.")
    if not found["offers"]["shown"]:
        return [*sentences, "No offer was shown yet (no event of the decision point "
                "`offers`): offers, policy and model are empty."]
    if not sum(found["offers"]["mature"]):
        sentences.append("No offer is 7 days old yet: what offers earn, and whether a policy is "
                         "better, is known a week after the first one.")
    if not found["decisions"]["day"]:
        sentences.append("No offer was chosen by the service yet (`make serve`): there is no "
                         "policy to judge.")
    elif "holdout" not in found["arms"]["arm"]:
        sentences.append(no_holdout(found["decisions"]))
    if not found["calibration"]["rows"]:
        sentences.append("No model is promoted: `make train`, then scripts/evaluate.py MODEL "
                         "--promote.")
    return sentences


def no_holdout(decisions: dict) -> str:
    """Why no player of a holdout counts yet."""
    if sum(decisions["held_out"]):
        return ("Players are in a holdout: what the policy earns beyond it is known a week after "
                "the first decision for them.")
    if not sum(decisions["in_arms"]):
        return ("All decisions are an apprentice's, who makes the game's own offers: there is no "
                "policy to hold beside a holdout.")
    return ("No player is in a holdout: set holdout_share in dbt_project.yml to learn what the "
            "policy earns beyond it.")


def footer(found: dict) -> str:
    if found["days"] == MAX_DAYS or not found["days"]:
        return f"The page shows {MAX_DAYS} days at most."
    return f"The page holds {found['days']} days."
