"""What files say of policies and candidates, taken over when the files change."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from offer_ai.base.actions import Actions
from offer_ai.learning import promotions
from offer_ai.learning.candidates import Candidate, CandidatesError, read_candidates
from offer_ai.learning.policies import PROMOTED, Policy

LOG = logging.getLogger("offer_ai")


@contextmanager
def again_and_again(look: Callable[[], object], seconds: float) -> Iterator[None]:
    """Has a thread look, so many seconds after the last time; a failure is said, each time."""
    done = threading.Event()

    def run():
        while not done.wait(seconds):
            try:
                look()
            except Exception:  # nobody else would look any more
                LOG.exception("what is promoted cannot be looked at")

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@dataclass
class ReloadingPolicy:
    """The policy that a pointer file names; what cannot be loaded leaves the one in place.

    `problem` says why what the pointer names now is not used, None when it is; `since` is when
    the policy was promoted, as the pointer says.
    """

    pointer: Path
    policy: Policy | None = None
    since: str | None = None
    problem: str | None = None
    stamp: int | None = None

    def look(self) -> None:
        """Takes over what the pointer names, if it changed; a failure is said once."""
        try:
            stamp = self.pointer.stat().st_mtime_ns
        except FileNotFoundError:
            self._take(None, None, None)
            return
        except OSError as error:
            self._fail(f"{self.pointer} cannot be read: {error}")
            return
        if stamp == self.stamp:
            self.problem = None
            return
        try:
            policy = Policy.at(self.pointer)
            told = promotions.pointer(self.pointer.parent) if self.pointer.name == PROMOTED else {}
        except (OSError, ValueError, KeyError, TypeError) as error:
            self._fail(f"{self.pointer.name} names what cannot be loaded: {error}")
            return
        self._take(policy, stamp, (told or {}).get("at"))

    def _take(self, policy: Policy | None, stamp: int | None, since: str | None) -> None:
        if policy is None and self.policy is not None:
            LOG.info("%s is gone: %s is not used any more", self.pointer.name, self.policy.version)
        elif policy is not None:
            LOG.info("%s: %s, since %s", self.pointer.name, policy.version, since or "unknown")
        self.policy, self.stamp, self.since, self.problem = policy, stamp, since, None

    def _fail(self, problem: str) -> None:
        if problem != self.problem:
            LOG.warning("%s; %s goes on", problem,
                        self.policy.version if self.policy else "each candidate alike")
        self.problem = problem


@dataclass
class ReloadingCandidates:
    """The candidates of a file; a file that cannot be used leaves those in place.

    `problem` says why the file is not used as it is now, None when it is. Unless it `may_cap`, no
    candidate may be allowed only so often. Raises CandidatesError when it cannot be used at the
    start.
    """

    path: Path
    may_cap: bool = True
    actions: Actions | None = None
    candidates: list[Candidate] = field(default_factory=list)
    problem: str | None = None
    stamp: tuple[int, ...] | None = None

    def __post_init__(self):
        self.stamp, self.candidates = self._stamp(), self._read()

    def _read(self) -> list[Candidate]:
        candidates = read_candidates(self.path, self.actions)
        if not self.may_cap and any(one.most_per_user_week is not None for one in candidates):
            raise CandidatesError(f"{self.path.name} has a most_per_user_week, which one process "
                                  "alone can keep to: serve with --workers 1.")
        return candidates

    def look(self) -> bool:
        """Takes over what the file lists, if it changed; whether it did. A failure is said once."""
        stamp = self._stamp()
        if stamp == self.stamp and self.problem is None:
            return False
        try:
            candidates = self._read()
        except CandidatesError as error:
            problem = f"{str(error).removesuffix('.')}; the candidates before that stay in place"
            if problem != self.problem:
                LOG.warning(problem)
            self.problem = problem
            return False
        is_new = candidates != self.candidates
        if is_new:
            LOG.info("%s: %s", self.path.name, "; ".join(changes(self.candidates, candidates)))
        self.candidates, self.stamp, self.problem = candidates, stamp, None
        return is_new

    def _stamp(self) -> tuple[int, ...] | None:
        try:
            told = self.path.stat()
        except OSError:
            return None
        return told.st_mtime_ns, told.st_size, told.st_ino


def changes(old: list[Candidate], new: list[Candidate]) -> list[str]:
    """What differs between two lists of candidates, in words; at least one."""
    before, after = ({one.offer: one for one in some} for some in (old, new))
    found = [f"{word} {one.words}" for word, some, others in (
        ("without", before, after), ("new:", after, before))
        for offer, one in some.items() if offer not in others]
    found += [f"changed: {one.words}" for offer, one in after.items()
              if offer in before and one != before[offer]]
    return found or ["another order"]


def why_none(models: Path) -> str:
    """Why no model is promoted, as far as the steps beside the models tell."""
    steps = promotions.steps(models)
    if not steps:
        return ("no model was ever judged: run scripts/train.py, then scripts/evaluate.py MODEL "
                "--promote")
    last = steps[-1]
    about = last.get("taken_back") or last.get("model")
    return (f"the last step, of {last.get('at')}, was: {about} {last['step']} "
            f"({'; '.join(last.get('why') or [])})")
