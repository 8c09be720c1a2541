"""One step of the cycle: train on what is published, value, promote."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import click

from offer_ai.base import declarations
from offer_ai.base.actions import Actions
from offer_ai.learning import promotions
from offer_ai.learning.effects_training import KIND, fit_early
from offer_ai.learning.evaluation import last_day
from offer_ai.learning.logged_candidates import CANDIDATES, LoggedCandidates
from offer_ai.learning.model_files import told_of, write_model
from offer_ai.learning.policies import INVERSE_GAP, PROMOTED, Policy
from offer_ai.learning.promotion import Verdict, evaluate_against, promote
from offer_ai.learning.revenue_model import decision_of
from offer_ai.training.table import arrays_of, label_of, manifest_of, offers_of_version

VALIDATE_DAYS = 7  # at most; fewer in the first two weeks
FIRST_DAYS = 28  # while nothing is promoted: a small game needs more days to be sure of a first one
FIRST_EPSILON, MAX_EPSILON = 0.05, 0.2  # the floor after one refusal, and after many
EXPLORES_MORE = "explores more"
NEWS_DAYS, SOON_DAYS = 14, 2  # after a change in so many days the next step is due sooner


@dataclass(frozen=True)
class Step:
    """What a step of learning came to, in a line, and the model of it, None for none; how many
    days ago something changed, None for not."""

    said: str
    model: Path | None = None
    change_days: int | None = None


def learn(export: Path, rule: str = INVERSE_GAP, epsilon: float = 0.01,
          label: str | None = None, bootstraps: int = 0, name: str = declarations.OFFERS) -> Step:
    """Trains on the published training table of a decision point, young offers with it, values and
    perhaps promotes.

    The last days, a week or half of what there is, are for valuing. Raises ClickException when
    nothing can be learned from the table.
    """
    models = export / declarations.folder_of("models", name)
    training = export / declarations.folder_of("training", name)
    manifest = manifest_of(training)
    decision = decision_of(manifest)
    time = decision["time"]
    label = label_of(manifest, label)
    offers = offers_of_version(training, manifest, with_young=True, only=[
        "user_id", "propensity", "arm", CANDIDATES, *decision["action"],
        *(column["name"] for column in (*manifest["features"], *manifest["labels"]))])
    if not len(offers):
        raise click.ClickException(f"No {decision['one']} is published yet.")
    first, last = (value.as_py().date() for value in (
        offers[time][0], offers[time][len(offers) - 1]))
    validate_days = days_to_value((last - first).days + 1, not (models / PROMOTED).exists())
    table = arrays_of(offers.drop_columns(
        [name for name in (decision["id"], CANDIDATES) if name in offers.column_names]))
    is_logged = {CANDIDATES, *decision["action"]} <= set(offers.column_names)
    logged = LoggedCandidates.of(table | {CANDIDATES: offers[CANDIDATES]}, Actions.of(
        decision["action_columns"])) if is_logged else None
    fitted, description = fit_early(manifest, table, label, validate_days, bootstraps,
                                    last_told(models).get("changed_on"), logged)
    model = write_model(models, fitted, description)
    # What any of both policies was fitted to is not looked at, so it need not be read.
    since = last_day(Policy.load(model, rule, epsilon, held_out=True), "held_out")
    late = offers_of_version(training, manifest, with_young=True, since=datetime.combine(
        since + timedelta(days=1), datetime.min.time()))
    found, made = evaluate_against(model, late.to_pydict(), rule, epsilon, manifest.get("drift"),
                                   is_successor=not promotions.is_taken_back(models))
    made = promote(model, found, made)
    if not made.is_promoted and not made.is_alike:
        explore_more(models, made)
    gain = (f"{made.difference.value:+.3f} ({made.difference.low:+.3f} to "
            f"{made.difference.high:+.3f}) per decision against {made.against}")
    changed = description["change_days"]
    news = "" if changed is None else f"something changed {changed} days ago, "
    return Step(f"{model.name}, {len(offers):,} {name}: {news}" + (
        f"promoted, {gain}" if made.is_promoted
        else f"not promoted, {gain}: {'; '.join(made.reasons)}"), model, changed)


def days_to_value(days: int, is_first: bool = False) -> int:
    """How many of so many days are the last ones, to value on: a week, or half of what there is;
    `is_first` while nothing is promoted, then up to four weeks."""
    return min(FIRST_DAYS if is_first else VALIDATE_DAYS, max(1, days // 2))


def more_than(epsilon: float) -> float:
    """The floor that a policy is served with after another one was refused for it."""
    return max(epsilon, min(MAX_EPSILON, max(2 * epsilon, FIRST_EPSILON)))


def explore_more(models: Path, made: Verdict) -> None:
    """Has the policy in place explore more, as its successor was refused.

    When the world has turned, a policy that is sure of itself hardly makes what is better now:
    its logs would refuse each successor for want of evidence, for ever. The next one that is
    promoted begins with the usual floor again. Where another one is served by now, it is left
    alone.
    """
    try:
        told = promotions.policy_of(made.served, models) if made.served else {}
    except ValueError:
        return  # so the successor was compared with what was logged
    if told.get("model") != made.against or told["rule"] != INVERSE_GAP:
        return
    if (epsilon := more_than(told["epsilon"])) == told["epsilon"]:
        return
    step = {"step": EXPLORES_MORE, "model": told["model"], "rule": told["rule"],
            "epsilon": epsilon, "why": ["a successor was refused: " + "; ".join(made.reasons)]}
    with suppress(promotions.ServesAnother):
        promotions.serve(models, step, instead_of=made.served)


def rhythm(every_days: float, change_days: int | None) -> float:
    """Days between steps: fewer than usual while what has changed is news."""
    is_news = change_days is not None and change_days <= NEWS_DAYS
    return min(every_days, SOON_DAYS) if is_news else every_days


def last_told(models: Path) -> dict:
    """What the model of the cycle that knows the latest events, of those that were judged, says of
    itself; nothing where there is none.

    Others may be judged by hand: another kind, or an old one once more.
    """
    found, latest = {}, datetime.min
    judged = [step["model"] for step in promotions.steps(models)
              if step["step"] in (promotions.PROMOTION, promotions.REFUSAL)]
    for model in dict.fromkeys(reversed(judged)):
        told = told_of(models / model)
        try:
            at = instant(told["training"]["watermark"])
        except (ValueError, KeyError):
            continue
        if told.get("kind") == KIND and at > latest:
            found, latest = told, at
    return found


def is_due(models: Path, watermark: str | None, every_days: float) -> bool:
    """Whether the events have gone on by so many days, to `watermark`, since the last step; see
    `rhythm`. By 0 days they have, also where an erasure moved the watermark back."""
    if watermark is None:
        return False
    last = last_told(models)
    if not last or every_days == 0:
        return True
    return instant(watermark) - instant(last["training"]["watermark"]) >= timedelta(
        days=rhythm(every_days, last.get("change_days")))


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).replace(tzinfo=None)
