"""Who can play a world in memory: this project's learner and its peers."""

from dataclasses import dataclass, field, replace

import click
import numpy as np

from offer_ai.learning.cycle import days_to_value, more_than
from offer_ai.learning.effects_training import fit_early
from offer_ai.learning.intervals import Estimate, limits
from offer_ai.learning.logged_candidates import LoggedCandidates
from offer_ai.learning.off_policy import Logged, difference, estimates, warnings
from offer_ai.learning.policies import INVERSE_GAP, THOMPSON, Policy
from offer_ai.learning.promotion import LOGGING, verdict
from offer_ai.learning.table_rows import rows_of
from offer_ai.simulation.memory_world import FEATURES, FIRST_DAY, MemoryWorld

# What was best for Vowpal Wabbit of those that docs/deciding.md lists.
VW_OPTIONS = "--gamma_scale 1000"
LABEL, PART = "next_week_purchase_amount", "first_hour_offer_amount"


def alike(valid: np.ndarray, rows: int) -> np.ndarray:
    """The same chance for each candidate that is valid: (rows, candidates)."""
    return np.tile(valid / valid.sum(), (rows, 1))


@dataclass
class Ours:
    """What `learn.py` does, on arrays: fit, value, promote; the first days are all alike.

    `epsilon` is the floor, or a function of the days so far; `labels` both, `early` for one
    that takes the first hour for the week, `mature` for one that waits for the week.
    """

    world: MemoryWorld
    rule: str = INVERSE_GAP
    epsilon: object = 0.01
    bootstraps: int = 0
    labels: str = "both"
    has_gate: bool = True
    policy: Policy | None = None
    held_out: Policy | None = None
    fitted_days: int = 0  # those that `policy` was fitted to
    change_days: int | None = None  # ago, as the last step found
    changed_on: str | None = None
    steps: list[str] = field(default_factory=list)

    def chances(self, features: dict[str, np.ndarray], valid: np.ndarray) -> np.ndarray:
        """Chance of each candidate: (rows, candidates)."""
        rows = len(features["country"])
        if self.policy is None:
            return alike(valid, rows)
        return chosen(self.policy, features, self.world.offers, np.tile(valid, (rows, 1)))[0]

    def learn(self) -> None:
        """One step of the cycle."""
        table = self.world.table()
        self.change_days = None
        if self.labels == "early":
            table[LABEL] = table[PART]
        elif self.labels == "mature":
            table = rows_of(table, ~np.isnan(table[LABEL]))
        days = 0 if not len(table[LABEL]) else int(
            (table["offered_at"].max() - FIRST_DAY).astype(int)) + 1
        if days < 2:
            return
        validate = days_to_value(days, self.policy is None)
        made, chances = table["choice"], table["chances"]
        table["propensity"] = chances[np.arange(len(made)), made]
        logged = LoggedCandidates(self.world.offers, chances > 0, chances, made)
        manifest = {"features": FEATURES, "version": f"day {self.world.day}",
                    "watermark": None, "code_version": None}
        try:
            models, description = fit_early(manifest, table, LABEL, validate, self.bootstraps,
                                            self.changed_on, logged)
        except click.ClickException as error:
            self.steps.append(f"day {self.world.day}: {error.message}")
            return
        for model in models.values():
            model.description = description
        self.change_days, self.changed_on = description["change_days"], description["changed_on"]
        if self.change_days:
            self.steps.append(f"day {self.world.day}: changed {self.change_days} days ago")
        epsilon = self.epsilon(self.world.day) if callable(self.epsilon) else self.epsilon

        def policy(name):
            of = [name] if self.rule != THOMPSON else [
                f"{name}-{number}" for number in range(self.bootstraps)]
            return Policy(f"day {self.world.day}", [models[one] for one in of], self.rule, epsilon)
        new, held_out = policy("model"), policy("held_out")
        if self.has_gate:
            late = rows_of(table, table["offered_at"] > FIRST_DAY + days - 1 - validate)
            gain, doubts, margin = self.against_current(
                held_out, late, self.fitted_days <= days - validate)
            made = verdict(gain, doubts, LOGGING, margin, is_successor=True)
            self.steps.append(f"day {self.world.day}: {gain.value:+.3f} ({gain.low:+.3f} to "
                              f"{gain.high:+.3f}) {made.reasons}")
            if not made.is_promoted:
                if self.policy is not None and not made.is_alike:
                    epsilon = more_than(self.policy.epsilon)
                    self.policy, self.held_out = (replace(one, epsilon=epsilon)
                                                  for one in (self.policy, self.held_out))
                return
        self.policy, self.held_out, self.fitted_days = new, held_out, days

    def against_current(self, new: Policy, late: dict, is_unseen: bool
                        ) -> tuple[Estimate, list[str], float | None]:
        """As promotion.judge: the difference, warnings, and the margin of a refreshed model.
        `is_unseen` says that what is served was fitted to none of these days; else its twin
        stands for it."""
        is_young = np.isnan(late[LABEL])
        reward = np.where(is_young, late[PART] + new.models[0].rest_of(late), late[LABEL])
        at = np.arange(len(reward))
        offers, made = self.world.offers, late["choice"]
        logged = late["chances"][at, made]

        def seen(policy):
            chances, predicted = chosen(policy, late, offers, late["chances"] > 0)
            return Logged(reward, logged, chances[at, made], predicted[at, made],
                          (chances * predicted).sum(axis=1), late["user_id"]), predicted
        one, predicted = seen(new)
        if self.held_out is None:
            other = Logged(reward, logged, logged, predicted[at, made],
                           (late["chances"] * predicted).sum(axis=1), late["user_id"])
            return difference(one, other), warnings(one), None
        current = self.policy if is_unseen else self.held_out
        other, _ = seen(replace(current, epsilon=new.epsilon))
        gain = difference(one, other)
        worth = estimates(one)["dr"].value - gain.value
        return gain, warnings(one), limits().promotion_margin * max(worth, 0.0)


def chosen(policy: Policy, features: dict, offers: list, is_candidate: np.ndarray
           ) -> tuple[np.ndarray, np.ndarray]:
    """Chances and mean predictions of each offer: (rows, offers) both."""
    predicted = [model.predict_offers(features, offers) for model in policy.models]
    return policy.of_predictions(np.array(predicted), is_candidate, policy.is_new(offers),
                                 policy.hope(offers))


@dataclass
class TestFirst:
    """Each offer alike for so many days, then the one that earned most for good."""

    world: MemoryWorld
    days: int = 14
    best: int | None = None

    def chances(self, features: dict, valid: np.ndarray) -> np.ndarray:
        if self.best is None or not valid[self.best]:
            return alike(valid, len(features["country"]))
        return np.tile(np.eye(len(valid))[self.best], (len(features["country"]), 1))

    def learn(self) -> None:
        if self.world.day >= self.days and self.best is None:
            table = self.world.table()
            count = len(self.world.offers)
            made = np.bincount(table["choice"], minlength=count)
            self.best = int(np.argmax(np.bincount(table["choice"], table[PART], count)
                                      / np.maximum(made, 1)))


@dataclass
class VowpalWabbit:
    """Vowpal Wabbit's SquareCB on the same features, learning from the first hour's purchase."""

    world: MemoryWorld
    options: str = ""
    learned: int = 0  # days

    def __post_init__(self):
        import vowpalwabbit

        self.vw = vowpalwabbit.Workspace(
            f"--cb_explore_adf --squarecb --cb_type mtr -q UA --quiet --random_seed 1 "
            f"{self.options or VW_OPTIONS}")

    def example(self, row: dict, valid: np.ndarray, label: tuple | None = None) -> str:
        """A decision in VW's text format; `label` is of the offer made, cost and probability."""
        shared = " ".join(
            f"{name}={value}" if isinstance(value, str) else f"{name}:{float(value):.4f}"
            for name, value in row.items() if value is not None and value == value)
        lines = [f"shared |U {shared}"]
        for at, (kind, price) in enumerate(self.world.offers):
            if valid[at]:
                told = f"0:{label[1]:.6f}:{label[2]:.6f} " if label and label[0] == at else ""
                lines.append(f"{told}|A type={kind} offer={kind}{price} log_price:"
                             f"{np.log1p(price):.4f}")
        return "\n".join(lines)

    def rows(self, features: dict) -> list[dict]:
        scaled = dict(features)
        scaled["prev_week_purchase_amount"] = np.log1p(
            np.maximum(features["prev_week_purchase_amount"], 0))
        scaled["last_session_games_played"] = features["last_session_games_played"] / 10
        return [dict(zip(scaled, row, strict=True)) for row in zip(*scaled.values(), strict=True)]

    def chances(self, features: dict, valid: np.ndarray) -> np.ndarray:
        found = np.zeros((len(features["country"]), len(valid)))
        for number, row in enumerate(self.rows(features)):
            found[number, valid] = self.vw.predict(self.example(row, valid))
        return found / found.sum(axis=1, keepdims=True)

    def learn(self) -> None:
        log = self.world.log
        for day in range(self.learned, self.world.day):
            for number, row in enumerate(self.rows(log.decided_with[day])):
                made, chances = log.choice[day][number], log.chances[day][number]
                self.vw.learn(self.example(row, chances > 0, (
                    made, -log.early[day][number], chances[made])))
        self.learned = self.world.day
