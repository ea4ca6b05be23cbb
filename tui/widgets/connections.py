"""Connections: every socket and every HTTP exchange of a recording as a row, in the order of arrival.

Its one rule: a row keeps its place for good, and what arrives moves nothing; a new connection stands at the
end. A row is made when it is painted, from the state as it is then.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import BindingType
from textual.message import Message

from sessions.inspector import Batch, Inspector
from sessions.roster import Row, row
from tui.connection_rows import Columns, columns, heading, pair_signs, row_text
from tui.keys import Where, bindings
from tui.widgets.pane import Motion, Pane


class Connections(Pane):
    """The list of connections."""

    HEAD_LINES: ClassVar[int] = 1
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Where.CONNECTIONS)]

    class Selected(Message):
        """The person chose a connection."""

        def __init__(self, session: int) -> None:
            super().__init__()
            self.session = session

    class Opened(Message):
        """The person wants to see one connection; all of them for 0."""

        def __init__(self, session: int) -> None:
            super().__init__()
            self.session = session

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
        count = len(inspector.recording)
        self.now = inspector.recording.elapsed_at(count - 1) if count else 0.0
        self._numbers: list[int] = []
        self._places: dict[int, int] = {}
        self._pairs: dict[int, str] = {}
        self._columns = columns(0)
        self._is_last_word = False

    # Rows --------------------------------------------------------------------------------------------

    def row_count(self) -> int:
        """The connections that were taken up."""
        return len(self._numbers)

    def row(self, index: int, width: int) -> Text:
        """One connection."""
        told = self._told(index)
        return Text() if told is None else row_text(told, self._columns_at(width), self._sign(index))

    def row_key(self, index: int) -> Hashable:
        """What a row says."""
        return (self._told(index), self._sign(index))

    def head(self, line: int, width: int) -> Text:
        """The names of the columns."""
        return heading(self._columns_at(width))

    def _told(self, index: int) -> Row | None:
        session = self.inspector.sessions.sessions.get(self.session_at(index))
        return row(session, self.now, is_last_word=self._is_last_word) if session is not None else None

    def _sign(self, index: int) -> str:
        return self._pairs.get(self.session_at(index), "")

    def _columns_at(self, width: int) -> Columns:
        cells = min(width, self.rows_width or width)
        if self._columns.cells != cells:
            self.forget_lines()
            self._columns = columns(cells)
        return self._columns

    def session_at(self, index: int) -> int:
        """The number of the connection in this row; 0 when there is none."""
        return self._numbers[index] if 0 <= index < len(self._numbers) else 0

    @property
    def session(self) -> int:
        """The connection under the cursor; 0 when there is none."""
        return self.session_at(self.cursor)

    def title_words(self) -> str:
        """How many there are, and how many are open."""
        known = self.inspector.sessions.sessions.values()
        live = sum(1 for one in known if not one.phase.is_over)
        how = "without an end" if live and self._is_last_word else "open"
        return f"connections {len(self._numbers)}   {live} {how}"

    def state_words(self) -> str:
        """What a key does here, whether the picture stands still, and how far a search is."""
        frozen = self.motion_words() if self.motion is Motion.FROZEN else ""
        words = (frozen, "Enter opens   a all", self.find_words())
        return "   ".join(word for word in words if word)

    # What came ---------------------------------------------------------------------------------------

    def show(self, batch: Batch) -> None:
        """Take up what is new and write again what changed."""
        if batch.last:
            self.now = max(self.now, self.inspector.recording.elapsed_at(batch.last - 1))
        self._take_up()
        if self.motion is Motion.FROZEN:
            return
        if not batch.is_complete:
            self.repaint_rows(self.top, self.top + self.rows_height)
            return
        for number in {change.session for change in batch.changes}:
            if (place := self._places.get(number)) is not None:
                self.repaint_rows(place, place + 1)

    def look_into(self, inspector: Inspector) -> None:
        """Show another state of the same recording; what is read stays where it still exists."""
        chosen = self.session
        self.inspector, self.now = inspector, 0.0
        self._numbers.clear()
        self._places.clear()
        self._take_up()
        self.cursor = self._places.get(chosen, -1)
        self.reset_rows()

    def _take_up(self) -> None:
        known = self.inspector.sessions.sessions
        if len(known) == len(self._numbers):
            return
        for number in list(known)[len(self._numbers) :]:
            self._places[number] = len(self._numbers)
            self._numbers.append(number)
        self._pairs = pair_signs((one.number, one.pair) for one in known.values())
        self.repaint_rows(self.top, self.top + self.rows_height)
        self.grew()

    def refresh_at(self, now: float) -> None:
        """Move the clock: ages and countdowns are written anew."""
        self.now = max(self.now, now)
        if self.motion is not Motion.FROZEN and self.size.height:
            self.repaint_rows(self.top, self.top + self.rows_height)
            self.dress()

    def show_last_word(self, is_last_word: bool) -> None:
        """Say of what is open that it has no end, where nothing more comes; or no longer."""
        if is_last_word != self._is_last_word:
            self._is_last_word = is_last_word
            self.repaint_rows(self.top, self.top + self.rows_height)
            self.dress()

    def select_session(self, number: int) -> None:
        """Put the cursor on a connection, without telling anybody."""
        if (place := self._places.get(number)) is not None:
            self.select_row(place)

    def on_mount(self) -> None:
        """Begin at the top; a new connection never moves what is read."""
        super().on_mount()
        self.hold()
        self._take_up()

    # What a person does ------------------------------------------------------------------------------

    def on_focus(self, event: events.Focus) -> None:
        """Whoever comes here has a row under the cursor."""
        if self.cursor < 0:
            self.choose_row(self.top)

    def follow(self) -> None:
        """Hold: a list that moves by itself cannot be chosen from."""
        self.hold()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave out the key that would let it follow."""
        return action != "toggle_follow" and super().check_action(action, parameters)

    def row_chosen(self, index: int) -> None:
        """Tell which connection the cursor is on."""
        self.post_message(self.Selected(self.session_at(index)))

    def row_opened(self, index: int) -> None:
        """Tell which connection was opened."""
        self.post_message(self.Opened(self.session_at(index)))

    def action_open(self) -> None:
        """Open the connection under the cursor; the first in sight while there is no cursor."""
        if self.cursor < 0:
            self.choose_row(self.top)
        super().action_open()

    def action_open_all(self) -> None:
        """Show all connections at once."""
        self.post_message(self.Opened(0))
