"""Brief: the turns of the connection that is chosen in the list, below it, the newest in sight.

Its one rule: it only shows; to do anything with a turn one opens its connection.
"""

from __future__ import annotations

from sessions.inspector import Inspector
from sessions.roster import label
from tui.scope import Scope, only
from tui.widgets.chain import Chain


class Brief(Chain, can_focus=False):
    """The turns of one connection."""

    def __init__(self, inspector: Inspector, *, id: str | None = None) -> None:
        super().__init__(inspector, has_parents=False, id=id)
        self.scope = Scope()

    def show_session(self, number: int) -> None:
        """Show the turns of this connection."""
        self.show_scope(only(number))
        self.dress()

    def title_words(self) -> str:
        """Whose turns these are, and how many."""
        session = next(iter(self.scope.sessions(self.inspector.sessions)), None)
        if session is None:
            return "no connection is chosen"
        count = len(session.turns)
        return f"{label(session)}   {count} turn{'' if count == 1 else 's'}"

    def state_words(self) -> str:
        """Nothing: it is not moved by hand."""
        return ""

    def row_chosen(self, index: int) -> None:
        """A click here chooses nothing."""

    def row_opened(self, index: int) -> None:
        """A click here opens nothing."""
