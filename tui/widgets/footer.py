"""The last line: the keys that work now, at most seven, the most needed first.

What is shown comes from the table of actions and from what the screen says is enabled; the line remembers
only where it put each key, so that a click does what the key does.
"""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.binding import Binding
from textual.screen import Screen
from textual.widget import Widget

from tui import keys

TYPING = "typing"  #: the place while a text box has the focus


class Footer(Widget):
    """One line of keys and labels."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"footer--key", "footer--label", "footer--place"}
    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self._place = ""
        self._spans: list[tuple[int, int, str]] = []  # columns and the key to press

    def on_mount(self) -> None:
        """Follow what the screen can do."""
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)

    def _bindings_changed(self, _: Screen[object]) -> None:
        if self.is_attached:
            self.refresh()

    def show_place(self, place: str) -> None:
        """Name the focused view at the left end."""
        if place != self._place:
            self._place = place
            self.refresh()

    def render(self) -> Text:
        """The line; labels that do not fit are left out from the right, help and the way out last."""
        enabled: dict[str, Binding] = {}
        for active in self.screen.active_bindings.values():
            if active.enabled and active.binding.id:
                enabled.setdefault(active.binding.id, active.binding)
        parts = [
            (enabled[action.id].key, self.app.get_key_display(enabled[action.id]), action)
            for action in keys.in_footer(enabled, is_typing=self._place == TYPING)
        ]
        line = Text(no_wrap=True, end="")
        if self._place:
            line.append(f" {self._place} ", self.get_component_rich_style("footer--place"))
        room = self.size.width - cell_len(line.plain)
        needed = [cell_len(display) + cell_len(action.label) + 3 for _, display, action in parts]
        while len(parts) > 1 and sum(needed) > room:
            passing = [place for place, part in enumerate(parts) if part[2].id not in keys.ALWAYS]
            victim = passing[-1] if passing else 0
            del parts[victim], needed[victim]
        key_style = self.get_component_rich_style("footer--key")
        label_style = self.get_component_rich_style("footer--label")
        self._spans = []
        for key, display, action in parts:
            start = cell_len(line.plain)
            line.append(f" {display}", key_style).append(f" {action.label} ", label_style)
            self._spans.append((start, cell_len(line.plain), key))
        return line

    def on_click(self, event: events.Click) -> None:
        """Press the key under the pointer."""
        for start, end, key in self._spans:
            if start <= event.x < end:
                self.app.simulate_key(key)
