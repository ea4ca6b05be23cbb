"""A difference between two sides: where, what, how much it weighs, and what it means for a client.

Its one rule: a difference explains itself. `title` says what is seen, `meaning` what follows from it; the
word in `what` is for scripts and stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, NamedTuple


class Weight(StrEnum):
    """Whether a client that works with one side works with the other."""

    BREAKING = "breaking"  #: it may fail, hang, or read something wrong
    HARMLESS = "harmless"  #: it works, perhaps slower or with other words


class Difference(NamedTuple):
    """One way in which the sides differ."""

    turn: int  #: from 1, by place in the script; 0: the connection itself
    what: str  #: one of `WHAT`
    weight: Weight
    a: object  #: a plain value for scripts
    b: object
    title: str  #: one sentence: what is seen
    meaning: str  #: one sentence: what it means for a client

    def plain(self) -> dict[str, Any]:
        """The same as plain data, for machine-readable faces."""
        return {**self._asdict(), "weight": self.weight.value}


#: every word that `what` can be, in the order in which differences of one turn are told
WHAT = (
    "opening", "headers", "compression", "unsent", "status", "error", "items", "events", "order", "keys",
    "text", "arguments", "ids", "settings", "usage", "finding", "streaming", "timing", "ending",
)  # fmt: skip


def is_breaking(differences: Iterable[Difference]) -> bool:
    """Whether any of them is."""
    return any(one.weight is Weight.BREAKING for one in differences)


def weigh(is_heavy: bool) -> Weight:
    """BREAKING or HARMLESS."""
    return Weight.BREAKING if is_heavy else Weight.HARMLESS
