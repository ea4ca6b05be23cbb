"""The turns that changed and whose rows are not laid out again yet; a frozen picture counts them.

Its one rule: a turn of which only the text grew is laid out from its end on, and is no missed one unless
something else of it changed too, or nothing may be laid out now.
"""

from __future__ import annotations

from sessions.changes import What
from sessions.inspector import Batch
from sessions.reducer import Sessions
from tui.touched import turns_touched


class Missed:
    """What changed since rows were laid out last."""

    def __init__(self) -> None:
        self.turns: set[int] = set()
        self.is_all = False  #: so much changed at once that nobody kept which turns

    def __bool__(self) -> bool:
        return self.is_all or bool(self.turns)

    def add(self, batch: Batch, sessions: Sessions) -> set[int]:
        """Count what a batch changed; the turns of which only the text grew, which are not counted."""
        self.is_all |= not batch.is_complete
        grown: set[int] = set()
        for change in batch.changes:
            if change.what is What.TEXT:
                grown.add(change.turn)
            else:
                self.turns.update(turns_touched(sessions, change))
        return grown - self.turns

    def clear(self) -> None:
        """Everything is laid out."""
        self.turns.clear()
        self.is_all = False

    def words(self) -> str:
        """How a frozen picture tells it."""
        if self.is_all:
            return "frozen, all turns changed"
        count = len(self.turns)
        return f"frozen, {count} turn{'' if count == 1 else 's'} changed"
