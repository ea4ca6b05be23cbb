"""The line of views where not all five fit: their numbers, names and counts, and the lane of the composer.

It shows where one is; a click or a digit goes elsewhere. It holds no state but the name of the shown view.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.message import Message
from textual.widget import Widget

from sessions.inspector import Batch, Inspector
from tui.marks import Marks
from tui.scope import ALL, Scope

#: the five views in the order of their digits: the name of the widget and the word that people see
VIEWS: Mapping[str, str] = MappingProxyType(
    {"talk": "Talk", "events": "Events", "chain": "Chain", "raw": "Raw", "stats": "Stats"}
)


CONNECTIONS = "connections"  #: the view of the digit 0: the list, where a recording has several connections
EVERY_VIEW = (CONNECTIONS, *VIEWS)


class Views(Widget):
    """One line of tabs."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"views--tab", "views--here", "views--count", "views--wrong"}
    ALLOW_SELECT = False

    class Chosen(Message):
        """A view was clicked."""

        def __init__(self, view: str) -> None:
            self.view = view
            super().__init__()

    def __init__(self, inspector: Inspector) -> None:
        super().__init__()
        self._inspector = inspector
        self._marks = Marks(inspector)
        self.scope = ALL
        self._view = "talk"
        self._has_list = False
        self._spans: list[tuple[int, int, str]] = []

    def show_view(self, name: str) -> None:
        """Mark this view as the one that is shown."""
        if name != self._view:
            self._view = name
            self.refresh()

    def look_into(self, inspector: Inspector) -> None:
        """Count in another state of the same recording."""
        self._inspector = inspector
        self._marks = Marks(inspector)
        self.refresh()

    def show(self, batch: Batch) -> None:
        """Count again."""
        self.refresh()

    def show_scope(self, scope: Scope) -> None:
        """Count what is in this scope."""
        self.scope = scope
        self.refresh()

    def show_list(self, has_list: bool) -> None:
        """Whether the list of connections is one of the views."""
        if has_list != self._has_list:
            self._has_list = has_list
            self.refresh()

    def _counts(self) -> dict[str, int]:
        state = self._inspector.sessions
        counts = {CONNECTIONS: len(state.sessions)}
        if self.scope.is_all:
            return {**counts, "events": len(self._inspector.recording), "chain": len(state.turns)}
        return {**counts, "chain": sum(len(one.turns) for one in self.scope.sessions(state))}

    def render(self) -> Text:
        """The tabs at the left, what is wrong at the right."""
        sessions = self.scope.sessions(self._inspector.sessions)
        counts = self._counts()
        line = Text(no_wrap=True, end="")
        tab, here, count = (
            self.get_component_rich_style(f"views--{name}") for name in ("tab", "here", "count")
        )
        self._spans = []
        labels = {CONNECTIONS: "Connections", **VIEWS} if self._has_list else VIEWS
        for number, (name, label) in enumerate(labels.items(), 0 if self._has_list else 1):
            start = cell_len(line.plain)
            left, right = ("[", "]") if name == self._view else (" ", " ")
            line.append(f"{left}{number} {label}", here if name == self._view else tab)
            if counts.get(name):
                line.append(f" {counts[name]:,}", here if name == self._view else count)
            line.append(right, here if name == self._view else tab)
            self._spans.append((start, cell_len(line.plain), name))
        # findings and error frames tell of the same things: the larger number leaves nothing out
        errors = sum(max(one.errors, self._marks.session(one.number).errors) for one in sessions)
        live = sum(len(session.live) for session in sessions)
        words = f"live {live}  err {errors} "
        room = self.size.width - cell_len(line.plain) - len(words)
        if room > 0:
            wrong = self.get_component_rich_style("views--wrong") if errors else count
            line.append(" " * room + f"live {live}  ", count).append(f"err {errors} ", wrong)
        return line

    def on_click(self, event: events.Click) -> None:
        """Go to the view under the pointer, as its digit does."""
        for start, end, name in self._spans:
            if start <= event.x < end:
                self.post_message(Views.Chosen(name))
