"""Two sides laid beside each other, turn by turn, as `pairing` has them.

Its one rule: it is pure. The same records give the same differences, wherever they came from; only what
differs is told, most important first within a turn as `difference.WHAT` has it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sessions.compare.contents import (
    id_differences,
    item_differences,
    setting_differences,
    text_differences,
    usage_differences,
)
from sessions.compare.difference import WHAT, Difference, Weight, is_breaking, weigh
from sessions.compare.events import event_differences, key_differences, status_differences
from sessions.compare.openings import ending_differences, opening_differences
from sessions.compare.pairing import Because, Couple, couples
from sessions.compare.side import Side
from sessions.compare.timings import timing_differences
from sessions.finding import Finding, Severity
from sessions.moves import Exchange
from sessions.session import Turn
from sessions.shape import shape_of

#: warnings of what a client can do without only where it never had it: breaking beside a side that has it
_LOST = frozenset({"final-empty"})
_RANK = {word: place for place, word in enumerate(WHAT)}


class Pair(NamedTuple):
    """One turn of the script on both sides; number 0 is the connection."""

    number: int
    a: Exchange | None
    b: Exchange | None
    differences: tuple[Difference, ...]


class Comparison(NamedTuple):
    """Everything that was compared; pairs without a difference are among them."""

    a: Side
    b: Side
    pairs: tuple[Pair, ...]

    @property
    def differences(self) -> tuple[Difference, ...]:
        """All of them, by turn."""
        return tuple(one for pair in self.pairs for one in pair.differences)

    @property
    def is_breaking(self) -> bool:
        """Whether a client that works with one side may fail with the other."""
        return is_breaking(self.differences)

    def summary(self) -> dict[str, Any]:
        """The last line of a headless run."""
        counts = Counter(one.weight for one in self.differences)
        return {
            "event": "summary",
            "a": self.a.label,
            "b": self.b.label,
            "turns": len(self.pairs) - 1,
            "same_turns": sum(not pair.differences for pair in self.pairs[1:]),
            "breaking": counts[Weight.BREAKING],
            "harmless": counts[Weight.HARMLESS],
        }


def compare(a: Side, b: Side) -> Comparison:
    """Lay two sides beside each other."""
    pairs = [Pair(0, None, None, _ordered(_of_connection(a, b)))]
    for number, couple in enumerate(couples(a.exchanges, b.exchanges), start=1):
        pairs.append(Pair(number, couple.a, couple.b, _ordered(_of_turn(number, a, b, couple))))
    return Comparison(a, b, tuple(pairs))


def _ordered(found: Iterator[Difference]) -> tuple[Difference, ...]:
    return tuple(sorted(found, key=lambda one: (one.weight is Weight.HARMLESS, _RANK[one.what])))


def _of_connection(a: Side, b: Side) -> Iterator[Difference]:
    yield from opening_differences(a, b)
    if not a.is_refused and not b.is_refused:
        yield from _findings(0, a.findings_of(0), b.findings_of(0), a, b)
    yield from ending_differences(a, b)


def _of_turn(number: int, a: Side, b: Side, couple: Couple) -> Iterator[Difference]:
    one, other = couple.a, couple.b
    if one is None or other is None:
        yield _unsent(number, a, b, couple)
        return
    shapes = shape_of(one), shape_of(other)
    turns = _last(one), _last(other)
    names = (number, a.label, b.label)
    is_across = a.is_http != b.is_http
    has_same_items = shapes[0].items == shapes[1].items
    has_same_end = shapes[0].statuses == shapes[1].statuses
    yield from status_differences(*names, *shapes, turns, is_across=is_across)
    if has_same_end:
        # an answer that was cut short or failed lacks the rest by that
        yield from item_differences(*names, *shapes)
        yield from event_differences(*names, *shapes, has_same_items=has_same_items)
        if has_same_items:
            yield from key_differences(*names, *shapes, is_across=is_across)
    yield from _findings(number, a.findings_of(one.number), b.findings_of(other.number), a, b)
    was, now = turns[0].response, turns[1].response
    if was is None or now is None or not has_same_end:
        return
    yield from text_differences(*names, was, now)
    yield from id_differences(*names, one, other, has_same_items=has_same_items)
    yield from setting_differences(*names, was, now)
    yield from usage_differences(*names, was, now, shapes)
    yield from timing_differences(*names, *turns)


def _unsent(number: int, a: Side, b: Side, couple: Couple) -> Difference:
    """A turn of one side only; harmless where it follows from what the turn before differed in."""
    there, absent = (b, a) if couple.a is None else (a, b)
    match couple.because:
        case Because.CALLED if not absent.is_refused and absent.ending is None:
            title = f"only {there.label} went on with a tool's output; {absent.label}'s model called none"
            meaning = "It follows from the calls of the turn before."
        case Because.AGAIN:
            title = f"only {there.label} was asked again after the failure"
            meaning = "The client's own second try: the failure before it is the difference."
        case _:
            title = f"only {there.label} was asked; at {absent.label} {_why_unsent(absent)}"
            meaning = "There is nothing to compare it with."
            return Difference(
                number, "unsent", Weight.BREAKING, couple.a is not None, couple.b is not None, title, meaning
            )
    return Difference(
        number, "unsent", Weight.HARMLESS, couple.a is not None, couple.b is not None, title, meaning
    )


def _findings(
    number: int, ours: Iterable[Finding], theirs: Iterable[Finding], a: Side, b: Side
) -> Iterator[Difference]:
    """What is wrong on one side only."""
    was = {one.id: one for one in ours}
    now = {one.id: one for one in theirs}
    for name in sorted(was.keys() ^ now.keys()):
        finding = was.get(name) or now[name]
        side = a if name in was else b
        is_lost = (
            name in _LOST and finding.severity is Severity.WARNING
        )  # a note: its profile is known for it
        yield Difference(
            number, "finding", weigh(is_lost or finding.severity is Severity.ERROR),
            name if name in was else None, name if name in now else None,
            f"only {side.label}: {finding.title}" + (f" ({finding.evidence})" if finding.evidence else ""),
            finding.remedy,
        )  # fmt: skip


def _last(exchange: Exchange) -> Turn:
    return exchange.turns[-1]


def _why_unsent(side: Side) -> str:
    if side.is_refused:
        return "its connection was refused"
    if side.ending is not None:
        return "its connection had ended"
    if side.exchanges and side.exchanges[-1].is_cut:
        return "the turn before never ended"
    return "nothing more was sent"
