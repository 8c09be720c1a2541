"""What is installed is pinned by hashes; what is known of it is said, or that nobody was asked."""

import importlib.util
import re

import pytest

from offer_ai.base.settings import ROOT

pytestmark = pytest.mark.quick
PINNED = re.compile(r"[a-z0-9.-]+(\[[a-z0-9,-]+\])?==\S+(\s+--hash=sha256:[0-9a-f]{64})+")
COMPILED = sorted(ROOT.glob("requirements/*.txt"))
spec = importlib.util.spec_from_file_location("audit", ROOT / "tests/supply/audit.py")
audit = importlib.util.module_from_spec(spec)
spec.loader.exec_module(audit)


def test_each_pin_has_hashes_and_no_place():
    assert {path.stem for path in COMPILED} == {
        path.stem for path in ROOT.glob("requirements/*.in")}
    for path in COMPILED:
        text = re.sub(r"\s*#.*", "", path.read_text()).replace("\\\n", "")
        for line in text.splitlines():
            assert PINNED.fullmatch(line), f"{path.name}: {line}"
        assert not re.search(r"https?:|file:|--(extra-)?index-url", path.read_text()), path.name


def test_whatever_pip_installs_is_checked():
    """Each call of pip in the Makefile asks for hashes, but that of this package itself."""
    text = (ROOT / "Makefile").read_text().replace("\\\n", "")
    calls = [line for line in text.splitlines() if re.search(r"\$\(INSTALL\)|pip install", line)
             and not line.startswith("INSTALL")]
    assert len(calls) == 3
    assert all("--require-hashes" in line or line.endswith("--editable .") for line in calls)


def test_what_is_said_of_advisories():
    sound = {"name": "a", "version": "1", "vulns": []}
    flawed = {"name": "b", "version": "2", "vulns": [{"id": "X-1", "fix_versions": ["2.1"]}]}
    silent = {"name": "c", "skip_reason": "not found"}
    assert audit.said_of(None, 3) == (["advisories: not asked: no answer (3 packages)"], True)
    assert audit.said_of({"dependencies": [silent]}, 1)[0] == [
        "advisories: not asked: no answer (1 packages)"]
    assert audit.said_of({"dependencies": [sound]}, 1) == (["advisories: 0 for 1 of 1 packages"],
                                                           True)
    assert audit.said_of({"dependencies": [sound, flawed, silent]}, 3) == ([
        "advisories: 1 for 2 of 3 packages", "not asked: no answer for c",
        "b 2: X-1, mended in 2.1"], False)


def test_what_is_said_of_licences():
    lines, is_open = audit.said_of_licences({"a_b": "1", "c": "2", "d": "3"},
                                            {"a-b": "MIT License", "c": "UNKNOWN"})
    assert not is_open
    assert lines[-2:] == ["licences: 1 of 2 are open; 1 packages are not installed here",
                          "look at the licence of c"]


def test_the_tests_that_threats_names_are_there():
    told = set(re.findall(r"`(test_\w+|[a-z]+(?:_[a-z]+){3,})`",
                          (ROOT / "docs/threats.md").read_text()))
    texts = [path.read_text() for path in (ROOT / "tests/python").rglob("test_*.py")]
    texts += [path.read_text() for path in (ROOT / "models").rglob("*.yml")]
    missing = {name for name in told if not any(
        re.search(rf"def {name}\(|- name: {name}$", text, re.MULTILINE) for text in texts)}
    assert len(told) > 20 and missing == set()
