"""The texts that may be ids in a line that nothing else can read."""

import json
import re

BETWEEN_QUOTES = re.compile(r'(?:[^"\\]|\\.)+', re.DOTALL)  # but for those that are escaped
WORDS = re.compile(r'[^\s",:;{}\[\]()<>|=\\/]+')
PLAIN_WORDS = re.compile(r"[\w-]+")


def texts_in(line: str) -> list[str]:
    """What stands between any two quotes that follow each other, or behind the last one, without
    escapes and whatever JSON it holds looked into, and words, also cut at every sign but `_` and
    `-`: of `7.0` the 7."""
    found, left = set(), [line]
    while left:
        line = left.pop()
        found.update(PLAIN_WORDS.findall(line), WORDS.findall(line))
        for piece in {*BETWEEN_QUOTES.findall(line), *line.split('"')}:
            text = unescaped(piece)
            if '"' in text and text not in found:
                left.append(text)
            found.add(text)
    # Half of a pair of surrogates is no text that a database takes.
    return [text for text in found if text and (text.isascii() or is_text(text))]


def unescaped(piece: str) -> str:
    try:
        return json.loads(f'"{piece}"', strict=False)
    except ValueError:
        return piece


def is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
