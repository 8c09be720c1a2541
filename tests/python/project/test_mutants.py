"""The list of faults of SQL keeps up with the SQL."""

import tomllib

import pytest

from built import ROOT

FAULTS = tomllib.loads((ROOT / "tests/mutants/faults.toml").read_text())["fault"]


@pytest.mark.quick
def test_each_fault_can_be_put_in_its_place():
    """`make mutants` takes half an hour, and would end at the first that cannot."""
    assert [fault["name"] for fault in FAULTS
            if (ROOT / fault["file"]).read_text().count(fault["old"]) != 1] == []
