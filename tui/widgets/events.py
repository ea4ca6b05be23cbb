"""Events: every record as a row, with its times, direction, type, lane, turn, size and what stands out.

Its one rule: it holds numbers, never records; a row is made when it is in sight. Filter, fold and find go
over all records a slice of time at a time, and the title says how many of them are shown.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar

from rich.text import Text
from textual.binding import BindingType
from textual.message import Message

from sessions.inspector import Batch, Inspector
from sessions.lines import line
from sessions.summary import summarize
from tui.filters import HELP, Filter, FilterError, parse, payload_needle
from tui.index import Index, Place
from tui.keys import Where, bindings
from tui.marks import Marks
from tui.rows import Clock, Columns, columns, heading, row_text, silence_text
from tui.scope import ALL, Scope
from tui.widgets.pane import Motion, Pane

_LOOKED_BACK = 2_000  # records that are passed over to find a gap, where a filter hides what was before
_SLICE_SECONDS, _PAUSE_SECONDS = 0.008, 0.004


class Events(Pane):
    """The list of events of a recording."""

    HEAD_LINES: ClassVar[int] = 1
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Where.EVENTS)]

    class Selected(Message):
        """The person chose a record."""

        def __init__(self, events: Events, record: int) -> None:
            self.events = events
            self.record = record
            super().__init__()

        @property
        def control(self) -> Events:
            """The list it was chosen in."""
            return self.events

    class Opened(Selected):
        """The person wants to look into a record."""

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
        self.scope = ALL
        self.clock = Clock.TURN
        self.is_folded = False
        self.filter: Filter | None = None
        self._problem = ""  # why what is being typed is no filter
        self._kept_filter = ""  # what esc goes back to
        self._is_work_due = False
        self._left: dict[Hashable, int] = {}  # records under the cursor in other scopes
        self._wanted = -1  # a record that was asked for before its row was there
        self._columns: tuple[tuple[int, int, Clock, bool], Columns] | None = None
        self._index = Index(inspector.recording, inspector.sessions)
        self._marks = Marks(inspector)
        self._needle = ("", payload_needle("\0"))

    # Its rows ----------------------------------------------------------------------------------------

    def row_count(self) -> int:
        """Rows that were taken up so far."""
        return len(self._index)

    def row(self, index: int, width: int) -> Text:
        """One record, run of deltas or silence as text."""
        place = self._index.place(index)
        at = self._columns_at(width)
        if place.is_silence:
            return silence_text(self._index.silence(index), at)
        row = summarize(self.inspector.recording, self.inspector.sessions, place.first)
        row = row._replace(size=self._index.size(index), gap=self._gap(index, place.first, row.gap))
        return row_text(row, at, self.clock, place.folded, self._marks.at(place.first, place.last))

    def _gap(self, index: int, record: int, gap: float) -> float:
        """Seconds since what these connections said before; what others said is no end of a silence."""
        if self.scope.is_all:
            return gap
        recording = self.inspector.recording
        if self.filter is None:
            if not index:
                return 0.0
            above = self._index.place(index - 1)
            if above.is_silence:
                return self._index.silence(index - 1)
            return max(0.0, recording.elapsed_at(record) - recording.elapsed_at(above.last))
        for before in range(record - 1, max(-1, record - 1 - _LOOKED_BACK), -1):
            if self.scope.has(recording.session_at(before)):
                return max(0.0, recording.elapsed_at(record) - recording.elapsed_at(before))
        return 0.0

    def row_key(self, index: int) -> Hashable:
        """Rows are known by what they show, so that a filter paints none of them again."""
        first, _, is_silence = self._index.place(index)
        return (first, is_silence)

    def head(self, line: int, width: int) -> Text:
        """The names of the columns."""
        return heading(self._columns_at(width), self.clock)

    def search_count(self) -> int:
        """Records are searched, not rows: a folded run may hold a million of them."""
        if self.motion is not Motion.FROZEN or not self.shown_count:
            return self._index.looked_at
        return self._index.place(self.shown_count - 1).last + 1

    def search_place(self, row: int) -> int:
        """The first record of a row."""
        return self._index.place(row).first

    def found_row(self, place: int) -> int:
        """The row that shows a record."""
        row = self._index.row_of(place)
        return -1 if row is None else row

    def row_matches(self, index: int, needle: str) -> bool:
        """Whether the whole payload of a shown record, or its type, holds the text."""
        if self._index.is_listed and self._index.row_of(index) is None:
            return False
        if self._needle[0] != needle:
            self._needle = (needle, payload_needle(needle))
        if needle.casefold() in self.inspector.sessions.type_at(index):
            return True
        return self._needle[1](self.inspector.recording.record(index).payload)

    def place_at_cursor(self) -> Place | None:
        """What the row under the cursor shows; None when there is no cursor."""
        return self._index.place(self.cursor) if 0 <= self.cursor < len(self._index) else None

    @property
    def record(self) -> int | None:
        """The record under the cursor; None when there is none."""
        place = self.place_at_cursor()
        return place.first if place is not None else None

    def copy_text(self) -> str:
        """The row under the cursor as a line of plain text."""
        number = self.record
        if number is None:
            return ""
        return line(summarize(self.inspector.recording, self.inspector.sessions, number))

    def title_words(self) -> str:
        """How many are shown of how many, and by which filter."""
        total = len(self.inspector.recording)
        if not self._index.is_listed:
            return f"events {total:,}"
        words = f"events {self._index.matching:,} of {total:,}"
        if within := self.scope.words(self.inspector.sessions):
            words = f"{words}   {within}"
        return f"{words}   filter {self.filter.text}" if self.filter is not None else words

    def state_words(self) -> str:
        """Follow or hold, the search, and how far a filter is."""
        words = [super().state_words()]
        if self._problem:
            words = [self._problem]
        elif self.filter is not None and self._index.behind > 0 and self._index.looked_at:
            words.append(f"filtering\u2026 {self._index.looked_at / len(self.inspector.recording):.0%}")
        if self.is_folded:
            words.append("deltas folded")
        return "   ".join(word for word in words if word)

    def _columns_at(self, width: int) -> Columns:
        digits = len(str(max(0, len(self.inspector.recording) - 1)))
        has_lanes = any(session.named_lanes for session in self.inspector.sessions.sessions.values())
        key = (width, digits, self.clock, has_lanes)
        if self._columns is None or self._columns[0] != key:
            self.forget_lines()
            self._columns = (key, columns(width, digits, self.clock, has_lanes=has_lanes))
        return self._columns[1]

    # What arrives ------------------------------------------------------------------------------------

    def show(self, batch: Batch) -> None:
        """Take up what arrived; what does not fit into a slice of time follows by itself."""
        self._take_up()

    def look_into(self, inspector: Inspector) -> None:
        """Show another state of the same recording; what is read stays where it still exists."""
        self.inspector = inspector
        self._marks = Marks(inspector)
        self._columns = None
        if self.filter is not None:
            self.filter = parse(self.filter.text, inspector.recording, inspector.sessions)
        if not self._index.turn_back(inspector.sessions):
            self._rebuild()
            return
        self.reset_rows()
        self._take_up()

    def on_mount(self) -> None:
        """Take up what is there already."""
        self._take_up()

    def _take_up(self) -> None:
        before = len(self._index)
        first = self._index.advance(_SLICE_SECONDS)
        if first < before:
            self.refresh_rows(first, before)  # the run of deltas in the last row grew
        self.grew()
        if self._wanted >= 0 and self._wanted < self._index.looked_at:
            wanted, self._wanted = self._wanted, -1
            self.select(wanted)
        if self._index.behind > 0 and not self._is_work_due:
            self._is_work_due = True
            self.set_timer(_PAUSE_SECONDS, self._take_up_more, name="take up")

    def _take_up_more(self) -> None:
        self._is_work_due = False
        self._take_up()

    def _rebuild(self) -> None:
        """Other rows for the same records; the record under the cursor keeps it, or the next one takes it."""
        self.thaw()  # the picture that stood still is gone
        place = self.place_at_cursor()
        top = self._index.place(self.top).first if self.top < len(self._index) else -1
        self._index = Index(
            self.inspector.recording,
            self.inspector.sessions,
            self.filter.test if self.filter is not None else None,
            self.is_folded,
            None if self.scope.is_all else self._is_in_scope,
        )
        self._index.advance(_SLICE_SECONDS)
        self.cursor = -1
        self.reset_rows()
        wanted = place.first if place is not None else top if self.motion is not Motion.FOLLOWING else -1
        if place is not None and (row := self._index.nearest_row(wanted)) is not None:
            self.cursor = row
        if wanted >= 0 and self.motion is not Motion.FOLLOWING:
            if wanted < self._index.looked_at and (row := self._index.nearest_row(wanted)) is not None:
                self.scroll_rows_to(row - self.rows_height // 3)
            else:
                self._wanted = wanted
        self._take_up()

    def _is_in_scope(self, number: int) -> bool:
        return self.scope.has(self.inspector.recording.session_at(number))

    def show_scope(self, scope: Scope) -> None:
        """Show the records of these connections only; the cursor in the scope before is kept for it."""
        before, self.scope = self.scope, scope
        if scope == before:
            return
        if scope.key == before.key:
            known = self.inspector.sessions.sessions
            if any(number in known for number in scope.numbers - before.numbers):
                self._rebuild()
            return
        if self.motion is Motion.FOLLOWING or self.record is None:
            self._left.pop(before.key, None)
        else:
            self._left[before.key] = self.record
        self.cursor, self._wanted = -1, -1
        self.follow()
        self._rebuild()
        if (record := self._left.get(scope.key)) is not None:
            self.select(record)

    # What is chosen ----------------------------------------------------------------------------------

    def select(self, record: int) -> None:
        """Put the cursor on a record and bring it into sight, without telling anybody."""
        if record >= self._index.looked_at and record < len(self.inspector.recording):
            self._wanted = record
        elif (row := self._index.nearest_row(record)) is not None:
            self.select_row(row)

    def row_chosen(self, index: int) -> None:
        """Tell which record was chosen."""
        self.post_message(self.Selected(self, self._index.place(index).first))

    def row_opened(self, index: int) -> None:
        """Tell which record is to be looked into."""
        self.post_message(self.Opened(self, self._index.place(index).first))

    # Filter, fold, clock -----------------------------------------------------------------------------

    def set_filter(self, text: str) -> None:
        """Show only what these words say, all for no words; raises FilterError when they say nothing."""
        found = parse(text, self.inspector.recording, self.inspector.sessions)
        self._problem = ""
        if (found.text if found else "") != (self.filter.text if self.filter else ""):
            self.filter = found
            self._rebuild()
        self.dress()

    def answering(self, purpose: str, value: str) -> None:
        """Filter while the filter is being typed."""
        if purpose != "filter":
            super().answering(purpose, value)
            return
        try:
            self.set_filter(value)
        except FilterError as error:
            self._problem = str(error)
            self.dress()

    def answered(self, purpose: str, value: str | None) -> None:
        """Keep the filter that was typed, or go back to the one before."""
        if purpose != "filter":
            super().answered(purpose, value)
            return
        self._problem = ""
        try:
            self.set_filter(self._kept_filter if value is None else value)
        except FilterError as error:
            self.notify(str(error), title="filter not changed", severity="warning", markup=False)
        self.dress()

    def action_edit_filter(self) -> None:
        """Type what to show."""
        self._kept_filter = self.filter.text if self.filter is not None else ""
        self.ask("filter", self._kept_filter, placeholder=HELP)

    def action_toggle_fold(self) -> None:
        """Show runs of deltas as one row each, or every one of them."""
        self.is_folded = not self.is_folded
        self._rebuild()

    def action_cycle_clock(self) -> None:
        """Count time from the turn, from the start, or show the time of day."""
        self.clock = self.clock.following
        self.forget_lines()
        self.refresh()
