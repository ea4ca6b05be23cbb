"""A comparison in words: the plain text that a person reads, and the lines that a script reads.

Its one rule: whatever came from a server passes `safe` here. A turn without a difference takes one line, and
so do the differences that an earlier turn had.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from sessions.compare.alignment import Comparison, Pair
from sessions.compare.difference import Difference
from sessions.compare.side import Side
from sessions.safe import safe_line

_TITLE_CHARACTERS = 400


def plain(comparison: Comparison) -> Iterator[str]:
    """The report as lines without their ends."""
    a, b = comparison.a, comparison.b
    width = max(len(a.label), len(b.label))
    for side in (a, b):
        yield f"{side.label:<{width}}  {where(side)}"
    yield ""
    first = told_before(comparison)
    for pair in comparison.pairs:
        yield from _pair(pair, first)
    yield ""
    yield verdict(comparison)


def lines(comparison: Comparison) -> Iterator[dict[str, Any]]:
    """One object a difference, and the summary."""
    for one in comparison.differences:
        yield {"event": "difference", **one.plain()}
    yield comparison.summary()


def verdict(comparison: Comparison) -> str:
    """The whole comparison in one sentence."""
    found = comparison.summary()
    turns = f"{found['turns']} turn{'' if found['turns'] == 1 else 's'}"
    if not found["breaking"] and not found["harmless"]:
        return f"no difference in {turns}"
    return f"differences in {turns}: {found['breaking']} breaking, {found['harmless']} harmless"


def where(side: Side) -> str:
    """Where a side was asked and over what, in one line."""
    session = next(iter(side.state.sessions.values()), None)
    way = "HTTP" if side.is_http else "WebSocket"
    url = safe_line(session.url) if session is not None and session.url else "an unnamed place"
    turns = len(side.exchanges)
    return f"{url}  over {way}, {turns} turn{'' if turns == 1 else 's'}"


def place(pair: Pair) -> str:
    """`connection`, or `turn 3`."""
    return f"turn {pair.number}" if pair.number else "connection"


def told_before(comparison: Comparison) -> dict[tuple[str, ...], int]:
    """The first turn in which each difference stands: later ones repeat it."""
    first: dict[tuple[str, ...], int] = {}
    for one in comparison.differences:
        first.setdefault(likeness(one), one.turn)
    return first


def likeness(one: Difference) -> tuple[str, ...]:
    """What two differences share of which the later repeats the earlier: other numbers are no news."""
    match one.what:
        case "finding":
            return (one.what, str(one.a), str(one.b))
        case "timing" | "usage" if isinstance(one.a, int | float) and isinstance(one.b, int | float):
            return (one.what, one.title.partition(":")[0], "A" if one.a > one.b else "B", one.weight.value)
        case _:
            return (one.what, one.title)


def _pair(pair: Pair, first: Mapping[tuple[str, ...], int]) -> Iterator[str]:
    if not pair.differences:
        yield f"{place(pair)}: no difference"
        return
    yield f"{place(pair)}:"
    repeated: Counter[tuple[str, int]] = Counter()
    for one in pair.differences:
        if (told := first[likeness(one)]) != pair.number:
            repeated[one.weight.value, told] += 1
            continue
        yield f"  {one.weight.value:<8}  {one.what}: {safe_line(one.title, _TITLE_CHARACTERS)}"
        yield f"            {safe_line(one.meaning, _TITLE_CHARACTERS)}"
    for (weight, told), count in repeated.items():
        yield f"  {weight:<8}  {count} as in turn {told}"
