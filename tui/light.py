"""Light Markdown: a finished text's own characters, styled; nothing is taken out, moved or followed.

Its one rule: offsets stay, so a place on screen still leads to the record that brought it. Links are text.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from typing import NamedTuple

from tui.wrap import Growing

CAP = 1 << 18  # characters; a longer text stays plain
_LOOK_BACK = 2_000  # characters in which the start of a row's own line is looked for

_FENCE = re.compile(r"^ {0,3}(?:```|~~~)", re.MULTILINE)
_HEADING = re.compile(r" {0,3}#{1,6}\s")
_QUOTE = re.compile(r" {0,3}>")
_STRONG = re.compile(r"\*\*(?=\S)[^*]{1,200}(?<=\S)\*\*|__(?=\S)[^_]{1,200}(?<=\S)__")
_CODE = re.compile(r"`[^`]{1,200}`")
_BULLET = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])\s")


class Stretch(NamedTuple):
    """Columns of a row and the style they are shown in."""

    start: int
    end: int
    style: str


class Light:
    """The styles of one finished text."""

    def __init__(self, source: Growing) -> None:
        self._source = source
        size = len(source)
        whole = source.slice(0, size) if size <= CAP else ""
        self._fences = array("q", (found.start() for found in _FENCE.finditer(whole)))
        self.is_plain = size > CAP

    def stretches(self, start: int, row: str) -> list[Stretch]:
        """How a row is styled that begins at this offset."""
        if self.is_plain or not row:
            return []
        line_start = self._line_start(start)
        fences = bisect_right(self._fences, line_start)
        is_fence = bool(fences) and self._fences[fences - 1] == line_start
        if is_fence or fences % 2:
            return [Stretch(0, len(row), "talk--markdown-code")]
        head = self._source.slice(line_start, line_start + 12)
        if _HEADING.match(head):
            return [Stretch(0, len(row), "talk--markdown-heading")]
        out = []
        if _QUOTE.match(head):
            out.append(Stretch(0, len(row), "talk--markdown-quote"))
        if line_start == start and (bullet := _BULLET.match(row)):
            out.append(Stretch(0, bullet.end(), "talk--markdown-bullet"))
        out += [Stretch(*found.span(), "talk--markdown-strong") for found in _STRONG.finditer(row)]
        out += [Stretch(*found.span(), "talk--markdown-code") for found in _CODE.finditer(row)]
        return out

    def _line_start(self, offset: int) -> int:
        first = max(0, offset - _LOOK_BACK)
        before = self._source.slice(first, offset)
        newline = before.rfind("\n")
        return first + newline + 1
