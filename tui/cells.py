"""Cells: how wide text is on a terminal, and how to cut and fill it to a width.

Its one rule: a width is the same in every terminal. Characters whose width terminals disagree on (joiners,
emoji variation selectors, skin tones) are left out of what is painted; what is copied keeps them.
"""

from __future__ import annotations

import re

from rich.cells import cell_len, set_cell_size

_UNSTEADY = re.compile("[\u200d\ufe00-\ufe0f\U0001f3fb-\U0001f3ff\U000e0100-\U000e01ef]")
#: a character with what is joined to it, or changes how wide it is
_JOINED = re.compile("(.)(?:\u200d.?|[\ufe00-\ufe0f\U0001f3fb-\U0001f3ff\U000e0100-\U000e01ef])+")


def steady(text: str) -> str:
    """The same text without the characters that change the width of their neighbours."""
    return text if text.isascii() else _UNSTEADY.sub("", text)


def anchored(text: str) -> str:
    """The same text in as many cells, where places were counted: of a joined sign its first, and blanks."""
    if text.isascii():
        return text
    return _JOINED.sub(lambda found: found[1] + " " * (cell_len(found[0]) - cell_len(found[1])), text)


def width(text: str) -> int:
    """How many cells this text takes."""
    return len(text) if text.isascii() else cell_len(text)


def cut(text: str, cells: int) -> str:
    """At most this many cells of the text; an ellipsis stands for what does not fit."""
    if cells <= 0:
        return ""
    text = steady(text[: 4 * cells + 64])  # more characters than could ever be seen need no measuring
    if width(text) <= cells:
        return text
    return set_cell_size(text, cells - 1).rstrip() + "\u2026"


def cut_left(text: str, cells: int) -> str:
    """At most this many cells of the text's end; an ellipsis stands for what does not fit."""
    if cells <= 0:
        return ""
    text = steady(text[-(4 * cells + 64) :])
    if width(text) <= cells:
        return text
    kept = text
    while kept and width(kept) > cells - 1:
        kept = kept[width(kept) - cells + 1 :] if kept.isascii() else kept[1:]
    return "\u2026" + kept


def fill(text: str, cells: int) -> str:
    """The text in exactly this many cells, filled up at its right."""
    shown = cut(text, cells)
    return shown + " " * (cells - width(shown))


def fill_left(text: str, cells: int) -> str:
    """The text in exactly this many cells, filled up at its left, as numbers are."""
    shown = cut(text, cells)
    return " " * (cells - width(shown)) + shown
