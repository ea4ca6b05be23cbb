"""From one turn to another among those that are shown: the next, the one before, the next that failed; pure.

Its one rule: a step stays among the turns it is given, which are in the order of their numbers.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from sessions.contract import Status
from sessions.session import Turn

_FAILED = (Status.ERRORED, Status.FAILED, Status.CUT)


def beside(turns: Sequence[Turn], selected: int, step: int) -> Turn | None:
    """The turn so many steps from the selected number, at most the first or last; the last from nowhere."""
    if not turns:
        return None
    place = _place(turns, selected)
    return turns[-1] if place is None else turns[min(max(0, place + step), len(turns) - 1)]


def failed_beside(turns: Sequence[Turn], selected: int, step: int) -> Turn | None:
    """The nearest turn that failed or was cut, after the selected one or, for a step below 0, before it."""
    place = _place(turns, selected)
    if step > 0:
        wanted = range(0 if place is None else place + 1, len(turns))
    else:
        wanted = range(len(turns) - 1 if place is None else place - 1, -1, -1)
    return next((turns[at] for at in wanted if turns[at].status in _FAILED), None)


def _place(turns: Sequence[Turn], selected: int) -> int | None:
    """Where a turn stands among these; None when it is not one of them."""
    place = bisect_left(turns, selected, key=lambda turn: turn.number)
    return place if place < len(turns) and turns[place].number == selected else None
