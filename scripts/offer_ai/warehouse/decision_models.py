"""The models of decision points that a user declares: dbt makes no models from a list."""

import re
from pathlib import Path

import click
import yaml

from offer_ai.base import declarations
from offer_ai.base.settings import ROOT

FOLDER = Path("models", "decision_points")
TEMPLATES = Path(__file__).parent / "decision_templates"
# Shipped for `offers`; those of other points have the same columns but for some names.
OF_POLICIES = ("anchors/arm_decisions", "marts/policy_lift", "marts/policy_evaluation",
               "marts/decision_skew", "marts/feature_drift")

# dbt lets a model see the vars of its own project, not those of a package.
READ = ("event_fields", "event_types", "session_split", "decision_points", "features", "labels",
        "estimates", "most_skew", "most_drift")


def write_models(project: Path) -> list[Path]:
    """Writes the models of each declared decision point but `offers`; returns what is new.

    They follow the declarations by themselves: only a new point, or another name, needs this
    again. Raises ClickException for a name that no relation can have, and where a project that
    has Offer AI as a package lacks what these models read.
    """
    written = []
    own = declarations.project(project / "dbt_project.yml").get("vars") or {}
    if missing := [name for name in READ if name not in own]:
        raise click.ClickException(
            f"{project / 'dbt_project.yml'} says nothing of {', '.join(missing)}, which these "
            "models read: copy it from Offer AI's own, to the top level of `vars`.")
    for name, point in declarations.decision_points().items():
        if name == declarations.OFFERS:
            continue
        words = {"name": name, "one": point["one"], "time": point["time"]}
        if odd := [word for word in words.values() if not re.fullmatch("[a-z_][a-z0-9_]*", word)]:
            raise click.ClickException(
                f"dbt_project.yml, decision_points, {name}: '{odd[0]}' names relations and "
                "columns, so it must be a word of a-z, 0-9 and _.")
        texts = {"one_policies.yml": yaml.safe_dump(
            {"models": [of_policies(relation, point) for relation in OF_POLICIES]},
            sort_keys=False, width=100)}
        for template in sorted(TEMPLATES.iterdir()):
            texts[template.name] = template.read_text()
        for file, text in texts.items():
            path = project / FOLDER / (
                f"{point['one']}_{file.removeprefix('one_')}" if file.startswith("one_")
                else file.replace("name", name))
            for word, value in words.items():
                text = text.replace(f"<{word}>", value)
            if not path.exists() or path.read_text() != text:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
                written.append(path)
    return written


def of_policies(relation: str, point: dict) -> dict:
    """What a relation of `offers` says of itself in its YAML, of another decision point."""
    (shipped,) = yaml.safe_load((ROOT / "models" / f"{relation}.yml").read_text())["models"]
    own = {"offer_id": point["id"], "offered_at": point["time"], "offers": point["name"],
           "reference_offers": f"reference_{point['name']}"}
    earned = {"revenue": "The reward of the decision.",
              "revenue_per_user": "Mean of the reward of users' first decisions."}
    ((_, key),) = shipped["data_tests"][0].items()
    others = [{f"offer_ai.{test}": {"config": said["config"]}}
              for tests in shipped["data_tests"][1:] for test, said in tests.items()]
    return {
        "name": f"{point['one']}_{shipped['name']}",
        "description": f"Of the decision point `{point['name']}`: as {shipped['name']}.",
        "data_tests": [{"offer_ai.primary_key": {"arguments": {
            "columns": [own.get(column, column) for column in key["arguments"]["columns"]]}}},
            *others],
        "columns": [column | {
            "name": own.get(column["name"], column["name"].replace("revenue", "reward")),
            "description": earned.get(column["name"], described(column["description"], point))}
            for column in shipped["columns"]],
    }


def described(text: str, point: dict) -> str:
    """A description of `offers` in a point's own words."""
    if "doc(" in text:
        return text.replace('doc("', 'doc("offer_ai", "')
    text = re.sub(r"\boffers\b", point["name"], text)
    return re.sub(r"\boffer\b", point["one"], text).replace(" (currency units)", "")
