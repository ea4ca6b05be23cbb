"""States of a recording kept along the way, so that going back does not begin at zero."""

from __future__ import annotations

from sessions.reducer import Sessions


class Checkpoints:
    """States at some of the records that were folded."""

    def note(self, sessions: Sessions, count: int) -> None:
        """Remember the state after `count` records, when one is due."""

    def restore(self, count: int) -> tuple[Sessions, int]:
        """A state of its own at the nearest checkpoint up to `count`, and how many records it has seen."""
        return Sessions(), 0
