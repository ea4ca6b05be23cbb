"""Stats: what the foremost socket, or a chosen one, adds up to.

Its one rule: it counts at the pace of a clock, never of the wire; each record is looked at once, in bounded
steps.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar

from rich.text import Text
from textual.binding import BindingType

from sessions.inspector import Batch, Inspector
from sessions.roster import label
from sessions.session import Session
from tui.cells import cut
from tui.counts import Count, Scan, counts
from tui.keys import Where, bindings
from tui.scope import foremost
from tui.tally import Tally
from tui.widgets.pane import Pane

_LABEL_CELLS = 10


class Stats(Pane):
    """Labelled rows about one session."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"stats--label"}
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Where.STATS)]

    def __init__(
        self,
        inspector: Inspector,
        *,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.inspector = inspector
        self.number = 0  #: the session that is told; 0: the foremost one
        self._counts: list[Count] = []
        self._scan = Scan(inspector)
        self._sums: dict[int, Tally] = {}

    def row_count(self) -> int:
        """As many as there is to say."""
        return len(self._counts)

    def row(self, index: int, width: int) -> Text:
        """A label and what it says."""
        if not 0 <= index < len(self._counts):
            return Text()
        label, words, style = self._counts[index]
        text = Text().append(f"{cut(label, _LABEL_CELLS - 1):<{_LABEL_CELLS}}", "stats--label")
        return text.append(words, style)

    def row_key(self, index: int) -> Hashable:
        """The row's own words."""
        return self._counts[index] if 0 <= index < len(self._counts) else None

    def title_words(self) -> str:
        """Whose counts these are."""
        session = self.session
        return "stats" if session is None else f"stats   {label(session)}"

    @property
    def session(self) -> Session | None:
        """The session that is told."""
        state = self.inspector.sessions
        return state.sessions.get(self.number) if self.number else foremost(state)

    def show_session(self, number: int) -> None:
        """Tell of this session; 0: of the foremost one."""
        self.number = number

    def show(self, batch: Batch) -> None:
        """Nothing moves here by itself; the clock counts."""

    def look_into(self, inspector: Inspector) -> None:
        """Count another state of the same recording."""
        self.inspector = inspector
        self._scan = Scan(inspector)
        self._sums.clear()
        self._counts = []
        self.reset_rows()

    def refresh_at(self, now: float) -> None:
        """Count again; `now` is recording time in seconds."""
        session = self.session
        if session is None:
            return
        self._scan.step()
        sums = self._sums.get(session.number)
        if sums is None:
            sums = self._sums[session.number] = Tally(session)
        sums.update()
        meta = self.inspector.recording.record(session.handshake).meta if session.handshake >= 0 else {}
        before = len(self._counts)
        self._counts = counts(self.inspector.sessions, session, sums, self._scan, now, meta)
        if len(self._counts) < before:
            self.reset_rows()
        else:
            self.repaint_rows(self.top, self.top + self.rows_height)
            self.dress()

    def on_mount(self) -> None:
        """Begin at the top, which is what one wants to read."""
        super().on_mount()
        self.hold()

    def state_words(self) -> str:
        """Only how far a search is; these rows neither follow nor hold."""
        return self.find_words()
