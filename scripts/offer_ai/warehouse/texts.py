"""The texts that may be ids in a line that nothing else can read."""

import json
import re

QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
WORDS = re.compile(r'[^\s",:;{}\[\]()<>|=\\/]+')
PLAIN_WORDS = re.compile(r"[\w-]+")


def texts_in(line: str) -> list[str]:
    """What stands in quotes, without escapes and whatever JSON it holds looked into, and words,
    also cut at every sign but `_` and `-`: of `7.0` the 7."""
    found = set(PLAIN_WORDS.findall(line))
    found.update(WORDS.findall(line))
    for quoted in QUOTED.findall(line):
        try:
            text = json.loads(f'"{quoted}"', strict=False)
        except ValueError:
            text = quoted
        found.add(text)
        if '"' in text:
            found.update(texts_in(text))
    # Half of a pair of surrogates is no text that a database takes.
    return [text for text in found if text.isascii() or is_text(text)]


def is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
