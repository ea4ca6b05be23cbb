"""Raw: one record, byte for byte: as a tree, pretty, as the text that was received, and in hex.

Its one rule: it shows the record it was told to show and no other, however much arrives. A large record is
read in a thread and laid out in slices, with words that say so; nothing waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from typing import ClassVar

from rich.text import Text
from textual import events, work
from textual.binding import BindingType

from sessions.bodies import parts, text_of
from sessions.errors import RecordingError
from sessions.inspector import Inspector
from sessions.lines import ARROWS, size, time_of_day
from sessions.records import Kind, Record
from sessions.redact import screen
from sessions.safe import safe_line
from tui.document import Pretty, Tree
from tui.keys import Where, bindings
from tui.outline import Outline
from tui.sheets import Hex, Lines, RawText, Sheet, Stacked, View
from tui.socket_rows import socket_rows
from tui.widgets.pane import Motion, Pane

_READ_AT_ONCE = 1 << 18  # a larger record is read in a thread
_EXCHANGED = (Kind.REQUEST, Kind.RESPONSE)
_CARRIERS = (*_EXCHANGED, Kind.SSE)  # JSON stands in them, among other things
_SLICE_SECONDS, _PAUSE_SECONDS = 0.008, 0.004


class Raw(Pane):
    """What one record holds."""

    HEAD_LINES: ClassVar[int] = 1
    CAN_WRAP: ClassVar[bool] = True
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Where.RAW)]

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
        self.view = View.TREE
        self.record: int | None = None  #: the record that is shown
        self.motion = Motion.HOLDING  # what is shown stands still
        self.is_wrapped = True
        self._record: Record | None = None  # None while it is being read
        self._outline: Outline | None = None
        self._sheet: Sheet = Lines([Text("Choose an event to see what it holds.", "pane--dim")])
        self._sheet_width = 0
        self._sheets = 0  # counts sheets, so that no painted row outlives its own
        self._is_work_due = False
        self.add_class("-nothing")  # no record was chosen

    # What is shown -----------------------------------------------------------------------------------

    def look_into(self, inspector: Inspector) -> None:
        """Read from another state of the same recording; the record that is shown stays."""
        self.inspector = inspector

    def show_record(self, number: int) -> None:
        """Show this record; a number that does not exist is left alone."""
        recording = self.inspector.recording
        if number == self.record or not 0 <= number < len(recording):
            return
        self.record = number
        self.remove_class("-nothing")
        self._record = self._outline = None
        self.workers.cancel_group(self, "read")
        length = recording.size_at(number)
        if length <= _READ_AT_ONCE:
            try:
                record = recording.record(number)
                self._take(number, record, text_of(record))
            except (RecordingError, OSError, ValueError) as error:
                self._say(f"This record cannot be read back: {error}")
            return
        self._say(f"reading {length / 1_000_000:.1f} MB\u2026")
        recording.flush()  # in this thread, so that the other one only reads the file
        self._read(number)

    @work(exclusive=True, group="read")
    async def _read(self, number: int) -> None:
        try:
            record = await asyncio.to_thread(self.inspector.recording.record, number)
            text = await asyncio.to_thread(text_of, record)
        except (RecordingError, OSError, ValueError) as error:
            self._say(f"This record cannot be read back: {error}")
            return
        if number == self.record:
            self._take(number, record, text)

    def _say(self, words: str) -> None:
        self._set_sheet(Lines([Text(safe_line(words), "pane--dim")]))

    def _take(self, number: int, record: Record, text: bytes) -> None:
        """Show a record; `text` is the JSON in it, where it has any."""
        self._record = record
        is_message = record.kind in (Kind.TEXT, Kind.BINARY)
        self._outline = Outline(text) if is_message or (text and record.kind in _CARRIERS) else None
        self._make_sheet()

    def _make_sheet(self) -> None:
        record = self._record
        if record is None:
            return
        self._sheet_width = width = self.rows_width
        if width < 1:
            return  # it is not on the screen; `on_resize` lays it out when it is
        match self.view:
            case View.HEX:
                self._set_sheet(Hex(record.payload, width))
            case View.RAW:
                self._set_sheet(RawText(record.payload, width, self.is_wrapped))
            case _ if self._outline is None:
                self._set_sheet(Lines(socket_rows(record, width)))
            case _ if _is_no_document(self._outline) and record.kind in _EXCHANGED:
                self._set_sheet(Lines(socket_rows(record, width)))
            case _ if _is_no_document(self._outline):
                self._set_sheet(RawText(record.payload, width, self.is_wrapped))
            case View.PRETTY:
                self._set_sheet(self._below_facts(Pretty(self._outline, width, self.is_wrapped)))
            case View.TREE:
                self._set_sheet(self._below_facts(Tree(self._outline, width)))

    def _below_facts(self, sheet: Sheet) -> Sheet:
        """The JSON that a record carries below what else it says: its head, or the fields of its event."""
        record = self._record
        if record is None or record.kind not in _CARRIERS:
            return sheet
        if record.kind in _EXCHANGED:
            record = record._replace(payload=parts(record).head)
        facts = socket_rows(record, self._sheet_width)
        return Stacked([*facts, Text()], sheet) if facts else sheet

    def _set_sheet(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._sheets += 1
        sheet.advance(_SLICE_SECONDS)
        self.top = self.left = 0
        self.cursor = -1
        self.reset_rows()
        self._work_on()

    def _work_on(self) -> None:
        if self._sheet.progress < 1.0 and not self._is_work_due:
            self._is_work_due = True
            self.set_timer(_PAUSE_SECONDS, self._work, name="lay out")

    def _work(self) -> None:
        self._is_work_due = False
        before = len(self._sheet)
        self._sheet.advance(_SLICE_SECONDS)
        self.refresh_rows(max(0, before - 1), before)
        self.grew()
        self._work_on()

    # Its rows ----------------------------------------------------------------------------------------

    def row_count(self) -> int:
        """Rows of this view so far."""
        return len(self._sheet)

    def row(self, index: int, width: int) -> Text:
        """One row of this view."""
        return self._sheet.row(index, self.left, width)

    def row_key(self, index: int) -> Hashable:
        """Rows of another sheet are other rows."""
        return (self._sheets, index, self.left)

    def row_matches(self, index: int, needle: str) -> bool:
        """Whether a row, or what is folded into it, holds the text."""
        return self._sheet.holds(index, needle)

    def row_opened(self, index: int) -> None:
        """Fold or unfold."""
        if self._sheet.toggle(index):
            self._sheets += 1
            self.reset_rows()

    def head(self, line: int, width: int) -> Text:
        """The views, and what the record is in short."""
        text = Text(" ")
        for view in View:
            text.append(f"[{view.value}]" if view is self.view else f" {view.value} ", self._view_style(view))
        if self.record is not None:
            recording, sessions = self.inspector.recording, self.inspector.sessions
            number = self.record
            is_read = number < len(sessions.turn_column)  # going back, the state is made anew under this view
            turn = sessions.turn_column[number] if is_read else 0
            words = [
                ARROWS[recording.direction_at(number)],
                safe_line(screen(sessions.type_at(number)), 60) if is_read else "",
                f"T{turn}" if turn else "",
                f"{size(recording.size_at(number))} bytes",
                time_of_day(recording.wall_at(number)),
            ]
            text.append("   " + "  ".join(word for word in words if word), "pane--dim")
        return text

    def _view_style(self, view: View) -> str:
        return "pane--strong" if view is self.view else "pane--dim"

    def title_words(self) -> str:
        """Which record it is."""
        return "raw" if self.record is None else f"raw   event {self.record}"

    def state_words(self) -> str:
        """Where the cursor stands, what could not be read, and how far it is."""
        words = []
        if self._sheet.progress < 1.0:
            words.append(f"reading\u2026 {self._sheet.progress:.0%}")
        elif self._outline is not None and self._outline.problem and self.view in (View.TREE, View.PRETTY):
            words.append(f"at byte {self._outline.read_to:,}: {self._outline.problem}")
        if path := self.path():
            words.append(screen(path))
        words.append(self.find_words())
        return "   ".join(word for word in words if word)

    # For others --------------------------------------------------------------------------------------

    def path(self) -> str:
        """Where the row under the cursor stands in the document: `response.output[0].id`."""
        return self._sheet.path(self.cursor) if 0 <= self.cursor < len(self._sheet) else ""

    def copy_text(self) -> str:
        """The value under the cursor, exactly; the whole record when nothing is chosen."""
        if 0 <= self.cursor < len(self._sheet):
            return self._sheet.copied(self.cursor)
        return self.record_text()

    def record_text(self) -> str:
        """The whole record exactly as it was received; bytes that are no text become U+FFFD."""
        return self._record.payload.decode(errors="replace") if self._record is not None else ""

    # Actions -----------------------------------------------------------------------------------------

    def set_view(self, view: View) -> None:
        """Show this view of the record."""
        if view is not self.view:
            self.view = view
            self._make_sheet()
            self.refresh()

    def action_cycle_view(self) -> None:
        """The next view."""
        self.set_view(self.view.following)

    def action_toggle_wrap(self) -> None:
        """Wrap long lines, or cut them."""
        self.is_wrapped = not self.is_wrapped
        self._make_sheet()

    def follow(self) -> None:
        """Nothing: a record does not change, so there is nothing to follow."""

    def freeze(self) -> None:
        """Nothing: what is shown stands still already."""

    def on_resize(self, event: events.Resize) -> None:
        """Lay out for the new width, and stay about where it was."""
        if self._record is None or self.rows_width == self._sheet_width:
            return
        if isinstance(self._sheet, Tree) and self._sheet_width:
            self._sheet_width = self.rows_width
            self._sheet.fit(self.rows_width)
            self._sheets += 1
            self.reset_rows()
        else:
            share = self.top / max(1, len(self._sheet))
            self._make_sheet()
            self.scroll_rows_to(round(share * len(self._sheet)))


def _is_no_document(outline: Outline) -> bool:
    """Whether nothing of it can be read as JSON, so that the text itself says more."""
    outline.advance(_SLICE_SECONDS)
    return outline.is_done and bool(outline.problem) and len(outline) <= 1
