"""The header of a tap's screen: over the list it tells of the tap, over one connection of that connection.

Its one rule: it only paints what `tui.tap_header` says.
"""

from __future__ import annotations

from rich.text import Text

from tui.header import Surroundings
from tui.tap_header import TapFacts, tap_lines
from tui.widgets.status import Status


class TapStatus(Status):
    """The header of a tap."""

    facts = TapFacts()

    def show_facts(self, facts: TapFacts) -> None:
        """Tell this of the tap from now on."""
        if facts != self.facts:
            self.facts = facts
            self.refresh()

    def overview(self, cells: int, surroundings: Surroundings) -> list[Text]:
        """Both lines about the tap."""
        return tap_lines(self.inspector.sessions, self.now, cells, self.facts)
