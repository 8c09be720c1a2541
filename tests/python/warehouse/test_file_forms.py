"""Text cut into values: what is broken is one piece, and takes no value behind it along."""

import json

import pytest

from offer_ai.warehouse.file_forms import split_values

pytestmark = pytest.mark.quick
PRETTY = json.dumps([{"a": 1}, {"a": [[2], [3]]}, {"a": 4}], indent=2)


@pytest.mark.parametrize("text, values", [
    ('[{"a": 1}]\n[{"a": 2\n[{"a": 3}]\n[{"a": 4}, {"a": 5}]\n', [1, None, 3, 4, 5]),
    ('[{"a": 1}]\r\n[{"a": \r\n[{"a": 3}]\r\n', [1, None, 3]),
    ('[\n  [{"a": 1}],\n  [{"a": 2,\n  [{"a": 3}]\n]', [1, None, 3]),
    ('[{"a": 1},\n {"a": 2,\n {"a": 3}]', [1, None, 3]),
    # What a broken value holds, on lines of its own, is no value.
    (PRETTY.replace("2", "?"), [1, None, 4]),
    (PRETTY.replace("3", "?"), [1, None, 4]),
])
def test_what_is_broken_is_one_piece(text, values):
    found = [value and value["a"] for _, value, _ in split_values(text)]
    assert found == values
