"""Where things stand in a JSON text: the line and column of keys and values, and of what breaks it.

Lines and columns count from 1, columns in characters, as editors do. Nesting of any depth is walked without
recursion. It finds and names places; what is wrong there is the business of `lint`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import NamedTuple

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)
_DEPTH = 6  # keys below it are not remembered: nobody asks for their place


class Place(NamedTuple):
    """A line and a column, both from 1."""

    line: int
    column: int


class Map(NamedTuple):
    """Places by path (`tools[0].name`), and keys that stand twice in one object."""

    places: dict[str, int]  #: path -> offset in characters
    twice: tuple[tuple[str, int], ...]


def place_at(text: str, offset: int) -> Place:
    """The line and column of a character."""
    offset = max(0, min(offset, len(text)))
    start = text.rfind("\n", 0, offset) + 1
    return Place(text.count("\n", 0, offset) + 1, offset - start + 1)


def places(text: str, wanted: Collection[str] | None = None) -> Map:
    """Where each key and each element stands in a text that is valid JSON.

    With `wanted` it stops once it has these paths; keys that stand twice after them are then not found.
    """
    missing = set(wanted) if wanted is not None else None
    found: dict[str, int] = {}
    twice: list[tuple[str, int]] = []
    paths: list[str] = []  # of the open objects and lists
    counts: list[int] = []  # next index of a list, -1 for an object
    keys: list[set[str]] = []
    path, is_key = "", False
    for token in _TOKEN.finditer(text):
        if missing is not None and not missing:
            break
        mark = token[0]
        if mark in ("}", "]"):
            if paths:
                paths.pop(), counts.pop(), keys.pop()
            is_key = False
        elif mark == ",":
            is_key = bool(counts) and counts[-1] < 0
        elif mark == ":":
            is_key = False
        elif is_key and mark[0] == '"':
            name = json.loads(mark, strict=False)
            path = f"{paths[-1]}.{name}" if paths[-1] else name
            if name in keys[-1]:
                twice.append((path, token.start()))
            keys[-1].add(name)
            if len(paths) <= _DEPTH:
                found.setdefault(path, token.start())
                if missing is not None:
                    missing.discard(path)
        else:
            if counts and counts[-1] >= 0:
                path = f"{paths[-1]}[{counts[-1]}]" if len(paths) <= _DEPTH else ""
                counts[-1] += 1
                if len(paths) <= _DEPTH:
                    found.setdefault(path, token.start())
                    if missing is not None:
                        missing.discard(path)
            if mark in ("{", "["):
                paths.append(path if len(paths) < _DEPTH else "")
                counts.append(-1 if mark == "{" else 0)
                keys.append(set())
                is_key = mark == "{"
    return Map(found, tuple(twice))
