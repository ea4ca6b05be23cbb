"""What is wrong with a value, in words: its line, the nearest valid key, a validation error as a sentence.

Its one rule: it only reads. Whoever found the mistake raises the error.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any


def line_of(text: str, *keys: str) -> int:
    """The line on which a key of a TOML text stands, from 1; its table's when only that is found, else 0.

    Found in the text, because tomllib forgets lines.
    """
    table: tuple[str, ...] = ()
    best = 0
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[\[?([^\]]+)\]", line):
            table = key_parts(header[1])
            if table == keys:
                return number
            if table and table == keys[: len(table)]:
                best = number
        elif entry := re.match(r"""\s*((?:[\w.-]+|"[^"]*"|'[^']*')(?:\s*\.\s*[\w-]+)*)\s*=""", line):
            path = (*table, *key_parts(entry[1]))
            if path == keys:
                return number
            if path == keys[: len(path)]:
                best = number
    return best


def key_parts(key: str) -> tuple[str, ...]:
    """The parts of a dotted TOML key, quotes taken off."""
    found = re.findall(r""""([^"]*)"|'([^']*)'|([^\s."']+)""", key)
    return tuple(next(part for part in groups if part) for groups in found if any(groups))


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that is meant, probably; empty when none is near."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return close[0] if close else ""


def sentence_of(error: Mapping[str, Any]) -> str:
    """A pydantic error in a sentence, without its jargon."""
    message = str(error["msg"]).removeprefix("Value error, ")
    given = error.get("input")
    shown = (
        f", not {given!r}"
        if isinstance(given, (str, int, float, bool)) and error["type"] != "value_error"
        else ""
    )
    return message[:1].lower() + message[1:] + shown
