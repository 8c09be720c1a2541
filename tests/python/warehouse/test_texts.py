"""The texts that may be ids in a line that nothing else can read."""

import json

import pytest

from offer_ai.warehouse.texts import texts_in

pytestmark = pytest.mark.quick
STRAY = '{"badge": "7" cup", "customer_identifier": '  # from here on quotes pair up wrongly
ODD = 'o\'x "{{ u }}" 😀'


@pytest.mark.parametrize(("line", "found"), [
    ('{"customer_identifier": "u-1_a", ', "u-1_a"),
    ("0,u1,game_start", "u1"),
    ("u1@mail.example;7", "u1@mail.example"),
    ('{"user": 7.0}', "7"), ('{"user": -7}', "-7"), ('{"user": 7.5}', "7.5"),
    ('{"url": "app://users/u1?x=1"}', "u1"),
    ("{broken " + json.dumps(ODD), ODD),
    ("{broken " + json.dumps(ODD, ensure_ascii=False), ODD),
    ('{"params": ' + json.dumps(json.dumps({"user": ODD})) + " ", ODD),
    ('"with a \\q wrong escape"', "with a \\q wrong escape"),
    ("a\nb", "b"), ('{"user": -7.0}', "-7"), ('x"a\nb"', "a\nb"), ('"a\tb\\u0041"', "a\tbA"),
    (STRAY + '"auth0|5f7c8e", "event_id": "purchase"}', "auth0|5f7c8e"),
    (STRAY + '"google:42', "google:42"), ('{"user": "google:42', "google:42"),
    (STRAY + json.dumps(ODD) + "}", ODD),
    ('{\\"user\\": \\"google:42\\", ', "google:42"),
])
def test_found(line, found):
    assert found in texts_in(line)


@pytest.mark.parametrize(("line", "other"), [
    ('{"user": "u10"}', "u1"), ("u1x", "u1"), ('{"user": "u1-2"}', "u1"), ('{"user": 70.0}', "7"),
    ("", "")])
def test_not_found(line, other):
    assert other not in texts_in(line)


def test_what_comes_is_text():
    for text in texts_in('"\\ud800" "fine"'):
        text.encode()
