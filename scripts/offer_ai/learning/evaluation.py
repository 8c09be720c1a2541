"""What a model's policy is worth, from the logs of days that it was not fitted to."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import click
import numpy as np

from offer_ai.learning.intervals import Estimate, limits
from offer_ai.learning.logged_candidates import LoggedCandidates
from offer_ai.learning.off_policy import Logged, estimates, is_unlikely, warnings
from offer_ai.learning.policies import Policy
from offer_ai.learning.table_rows import are_told, rows_of

HOLDOUT = "holdout"


@dataclass(frozen=True)
class Evaluation:
    """A policy, the decisions it was valued on and its estimates by name."""

    policy: Policy
    label: str
    days: tuple[date, date]  # the first and the last that it was valued on
    table: dict[str, list]  # those decisions: column name to values
    candidates: LoggedCandidates  # and what each could have offered
    left_out: int  # decisions of these days that no policy can be valued on
    logged: Logged
    predicted: np.ndarray  # by the policy's model: (decisions, offers)
    estimates: dict[str, Estimate]
    warnings: list[str]


def last_day(policy: Policy, what: str) -> date:
    """The last day that `model` or its twin `held_out` was fitted to."""
    return date.fromisoformat(policy.description["training"]["days"][what][1])


def evaluate(model: Path, table: dict[str, list], rule: str, epsilon: float,
             after: date = date.min) -> Evaluation:
    """Values the policy of a model folder on a training table.

    Its twin that was fitted to the days before is what is valued, on all days of the table
    after those and after the day `after`, whatever the table and its last days are. A label that
    is not mature (None) is what its part shows so far and, for the rest, what the model expects;
    where the model knows no part, such decisions are left out, as are those that do not say
    what was done. Raises ClickException when the folder or the logs do not allow it.
    """
    try:
        policy = Policy.load(model, rule, epsilon, held_out=True)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    label = policy.description["label"]
    needed = (label, "candidates", "propensity", *policy.encoding.action)
    if missing := [name for name in needed if name not in table]:
        raise click.ClickException(
            f"The training table has no column {missing[0]}: publish it with this version of "
            "Offer AI and the declarations that the model was trained with.")
    table = completed(policy, table, label)
    if missing := policy.lacks(table):
        raise click.ClickException(
            f"{model.name} asks for the feature {missing[0]}, which the training table lacks: "
            "train a model on this table.")
    after = max(after, last_day(policy, "held_out"))
    encoding = policy.encoding
    days = np.array([value.date() for value in table[encoding.anchor]])
    if not len(days) or days.max() <= after:
        raise click.ClickException(
            f"The training table ends on {days.max() if len(days) else 'no day'}, and models were "
            f"fitted through {after}: there is no day left to value a policy on.")
    unseen = rows_of(table, days > after)
    seen = LoggedCandidates.of(unseen, encoding.actions)
    is_usable = seen.are_logged & seen.is_open & are_told(encoding.action, unseen)
    is_lost = ~is_usable & np.array([arm != HOLDOUT for arm in arms(unseen)])
    if not is_usable.any():
        raise click.ClickException(
            "No decision of these days has logged its candidates: log them, with each one's "
            "probability, to value a policy (docs/deciding.md).")
    table, candidates = unseen, seen
    if not is_usable.all():
        table, candidates = rows_of(unseen, is_usable), seen.rows(is_usable)
    logged, predicted = as_seen_by(policy, table, label, candidates)
    found = warnings(logged) + shares(unseen, candidates)
    if (share := is_lost.sum() / len(is_lost)) > limits().max_unknown_share:
        found.append(f"{share:.0%} of the decisions have not logged their candidates, or could "
                     "go one way only: no policy can be valued on them")
    if not (logged.propensity > 0).any():
        found = [warning for warning in found if "nobody knows" not in warning]
        found.append("nobody knows the propensity of any decision: log propensities to compare "
                     "policies")
    return Evaluation(policy, label, (days[days > after].min(), days.max()), table, candidates,
                      int((~is_usable).sum()), logged, predicted, estimates(logged), found)


def completed(policy: Policy, table: dict[str, list], label: str) -> dict[str, list]:
    """The table with labels that are not mature filled by what is known and expected of them."""
    young = np.array([value is None for value in table[label]])
    if not young.any():
        return table
    part = policy.description.get("part")
    if part is None or part not in table or policy.lacks(table):
        return rows_of(table, ~young)
    says = ~young | are_told(policy.encoding.action, table)
    table, young = rows_of(table, says), young[says]
    if not young.any():
        return table
    shown = rows_of(table, young)
    rest = np.mean([model.rest_of(shown) for model in policy.models], axis=0)
    values = list(table[label])
    for row, early, later in zip(np.flatnonzero(young), shown[part], rest, strict=True):
        values[row] = float(early) + float(later)
    return table | {label: values}


def arms(table: dict[str, list]) -> list[str | None]:
    return table.get("arm") or [None] * len(table["user_id"])


def as_seen_by(policy: Policy, table: dict[str, list], label: str,
               candidates: LoggedCandidates) -> tuple[Logged, np.ndarray]:
    """The decisions under another policy, which chooses among what could be offered then.

    Beside them what its model predicts of each offer: (decisions, offers).
    """
    rows, made = len(table[label]), candidates.made
    every = np.array([model.predict_offers(table, candidates.offers) for model in policy.models])
    at_made = np.array([model.predict_rows(table) for model in policy.models])
    chances, predicted = policy.of_predictions(every, candidates.is_candidate,
                                               policy.is_new(candidates.offers),
                                               policy.hope(candidates.offers))
    logged = Logged(
        reward=np.array([float(value) for value in table[label]]),
        propensity=np.array(table["propensity"], float),
        target=np.where(made >= 0, chances[np.arange(rows), made], 0),
        predicted=at_made.mean(axis=0), value=(chances * predicted).sum(axis=1),
        user=np.array(table["user_id"]))
    return logged, predicted


def as_logged(found: Evaluation) -> Logged:
    """The decisions under the policies that made them.

    The model's predictions take part where all probabilities are known, so that what it
    explains of the rewards cancels in a difference; where they are not, only the reward does.
    """
    candidates = found.candidates
    value = np.where(candidates.is_candidate, candidates.probability * found.predicted,
                     0).sum(axis=1)
    value = np.where(np.isnan(value) | (candidates.made < 0), found.logged.predicted, value)
    return Logged(found.logged.reward, found.logged.propensity, found.logged.propensity,
                  found.logged.predicted, value, found.logged.user)


def shares(table: dict[str, list], candidates: LoggedCandidates) -> list[str]:
    """Whether offers and users were served in other shares than was logged."""
    found = []
    if candidates.are_shares_wrong():
        found.append("offers were made in other shares than their logged probabilities say "
                     "(chi-squared, p < 0.001)")
    told = {user: (arm == HOLDOUT, share) for user, arm, share in zip(
        table["user_id"], arms(table), table.get("holdout_share") or [], strict=False)
        if arm is not None and share}
    held, expected = np.array(list(told.values()), float).reshape(-1, 2).sum(axis=0)
    if is_unlikely(np.array([held, len(told) - held]), np.array([expected, len(told) - expected])):
        found.append("users are in the holdout in another share than was declared "
                     "(chi-squared, p < 0.001)")
    return found
