"""The five views of one recording side by side, or as many of them as fit; and the list of its connections.

Its one rule: which view is shown and which stands in the middle are classes; what they mean at each size is
the style sheet's. It knows the views' names and tells none of them anything.
"""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container
from textual.widget import Widget

from sessions.inspector import Inspector
from sessions.profile import OPENAI, ProfileFacts
from tui.widgets.brief import Brief
from tui.widgets.chain import Chain
from tui.widgets.connections import Connections
from tui.widgets.events import Events
from tui.widgets.happened import Happened
from tui.widgets.raw import Raw
from tui.widgets.stats import Stats
from tui.widgets.talk import Talk
from tui.widgets.views import EVERY_VIEW

_MAIN = ("talk", "raw", "stats")  # the views that share the middle where not all five fit


class Body(Container):
    """The room of the five views."""

    def __init__(self, inspector: Inspector, profile: ProfileFacts = OPENAI) -> None:
        super().__init__(id="body")
        self.view = "talk"  #: the view that was focused last
        self._main = "talk"
        self._inspector = inspector
        self._profile = profile

    def compose(self) -> ComposeResult:
        """The views, in the order in which they stand where all of them fit."""
        yield Chain(self._inspector, profile=self._profile, id="chain")
        yield Talk(self._inspector, id="talk")
        yield Events(self._inspector, id="events")
        yield Raw(self._inspector, id="raw")
        yield Stats(self._inspector, id="stats")
        yield Connections(self._inspector, id="connections")
        yield Brief(self._inspector, id="brief")
        yield Happened(id="happened")

    def show_view(self, name: str) -> None:
        """Make this view the one that stays where not all five fit."""
        self.view = name
        if name in _MAIN:
            self._main = name
        before = self.classes
        for view in EVERY_VIEW:
            # Each update walks the styles of all five views: one for all of these classes is enough.
            self.set_class(view == self.view, f"-view-{view}", update=False)
            self.set_class(view == self._main, f"-main-{view}", update=False)
        if self.classes != before:
            self.update_node_styles()

    def view_of(self, widget: Widget | None) -> str:
        """The name of the view that a widget is, or is a part of; "" outside of all."""
        while widget is not None and widget is not self:
            if widget.id in EVERY_VIEW:
                return widget.id or ""
            parent = widget.parent
            widget = parent if isinstance(parent, Widget) else None
        return ""

    @property
    def is_zoomed(self) -> bool:
        """Whether the shown view has everything."""
        return self.has_class("-zoomed")

    def toggle_zoom(self) -> None:
        """Give the shown view everything, and back."""
        self.toggle_class("-zoomed")
