"""Chain: the turns as a tree with forks, warm-ups, failures, what runs, and the parent of the next send.

Its one rule: it draws what the records say; a parent that this recording has not seen is shown as an orphan,
never guessed. Below the tree stand the parents that can be used now, as `sessions.continuation` forecasts.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar, NamedTuple

from rich.text import Text
from textual import events
from textual.binding import BindingType
from textual.message import Message

from sessions.continuation import Forecast, Where, forecast
from sessions.inspector import Batch, Inspector
from sessions.profile import OPENAI, ProfileFacts
from sessions.reading import Reading
from sessions.roster import label
from sessions.session import Session, Turn
from tui import keys
from tui.branches import WAITING, Kind, Row, branches, marker
from tui.cells import cut, fill, width
from tui.figures import clock_words, count_words, seconds_words, standing, standing_style
from tui.marks import Marks
from tui.openings import Openings
from tui.scope import ALL, Scope
from tui.veil import line
from tui.widgets.pane import Motion, Pane

ONE_ROW_CELLS = 70  # cells from which a turn needs one row instead of two
_LOOKED_AT = 60  # newest turns that are asked whether they can be a parent now
_TOLD_PARENTS = 8

_WHERE_WORDS = {
    Where.MEMORY: "in memory",
    Where.STORED: "stored",
    Where.EVICTED: "evicted",
    Where.LOST: "lost",
    Where.RUNNING: "running",
    Where.FAILED: "failed",
    Where.UNKNOWN: "unknown",
    Where.NEW: "new",
}


class Heading(NamedTuple):
    """A row of the chain that is no turn: a socket, or the title of the section below."""

    words: str
    session: int = 0


class ParentRow(NamedTuple):
    """A turn that may be a parent, or surely may not."""

    turn: int
    outlook: Forecast


class Chain(Pane):
    """The tree of turns."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "chain--graph", "chain--turn", "chain--words", "chain--lane", "chain--detail", "chain--parent",
        "chain--heading", "chain--works", "chain--fails",
    }  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.Where.CHAIN)]

    class Selected(Message):
        """The person chose a turn."""

        def __init__(self, turn: int) -> None:
            super().__init__()
            self.turn = turn

    class Opened(Message):
        """The person pressed enter on a turn."""

        def __init__(self, turn: int) -> None:
            super().__init__()
            self.turn = turn

    def __init__(
        self,
        inspector: Inspector,
        *,
        profile: ProfileFacts = OPENAI,
        has_parents: bool = True,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.inspector = inspector
        self._profile = profile
        self.scope = ALL
        self._has_parents = has_parents  #: whether it tells below the tree who may be a parent
        count = len(inspector.recording)
        self.now = inspector.recording.elapsed_at(count - 1) if count else 0.0
        self._tree: list[Row | Heading] = []
        self._below: list[Heading | ParentRow] = []
        self._drawn = "?"  # the signs of the turns that are in the tree; none of them is a question mark
        self._drawn_sessions = 0
        self._is_narrow = True
        self._marks = Marks(inspector)
        self._next_parent = 0
        self._is_last_word = False
        self._openings = Openings(inspector)

    # Rows --------------------------------------------------------------------------------------------

    def row_count(self) -> int:
        """The tree and the section below."""
        return len(self._tree) + len(self._below)

    def _at(self, index: int) -> Row | Heading | ParentRow:
        return self._tree[index] if index < len(self._tree) else self._below[index - len(self._tree)]

    def row_key(self, index: int) -> Hashable:
        """What a row says."""
        return self.row(index, self.rows_width).markup

    def row(self, index: int, width: int) -> Text:
        """One row of the drawing."""
        if not 0 <= index < self.row_count():
            return Text()
        cells = min(width, self.rows_width or width)
        row = self._at(index)
        if isinstance(row, Heading):
            return self._heading_row(row, cells)
        if isinstance(row, ParentRow):
            return self._parent_row(row, cells)
        turn = self.inspector.sessions.turn(row.turn)
        if turn is None or row.kind is Kind.FORK:
            return Text("  " + row.graph, "chain--graph")
        return (
            self._detail_row(turn, row, cells)
            if row.kind is Kind.DETAIL
            else self._turn_row(turn, row, cells)
        )

    def _heading_row(self, row: Heading, cells: int) -> Text:
        if not row.session:
            return Text(cut(row.words, cells), "chain--heading")
        session = self.inspector.sessions.sessions.get(row.session)
        words = f"{label(session)}  {self._session_words(session)}" if session is not None else row.words
        return Text(cut(words, cells), "chain--heading")

    def _session_words(self, session: Session) -> str:
        if session.phase.is_over:
            code = f" {session.close_code}" if session.close_code else ""
            return f"{session.phase.value}{code}, {seconds_words(max(0.0, self.now - session.ended))} ago"
        if self._is_last_word:
            return "without an end"
        if session.opened < 0:
            return session.phase.value
        return f"{session.phase.value} for {clock_words(self.now - session.opened)}"

    def _turn_row(self, turn: Turn, row: Row, cells: int) -> Text:
        is_parent = turn.number == self._next_parent
        text = Text().append("> " if is_parent else "  ", "chain--parent")
        text.append(row.graph, standing_style(turn) if len(row.graph) == 1 else "chain--graph")
        sign = 2 + min(2 * row.column, len(row.graph) - 1)
        waits = text.plain[sign : sign + 1] == WAITING
        text.stylize("pane--warning" if waits else standing_style(turn), sign, sign + 1)
        text.append(f" T{turn.number} ", "chain--turn")
        tail = self._tail(turn) if not self._is_narrow else self._place_words(turn)
        room = cells - text.cell_len - (width(tail) + 1 if tail else 0)
        text.append(fill(self._openings.words(turn), max(0, room)), "chain--words")
        if tail:
            text.append(" " + tail, "chain--lane")
        return text

    def _detail_row(self, turn: Turn, row: Row, cells: int) -> Text:
        text = Text("  ")
        text.append(row.graph, "chain--graph")
        text.append(" " * max(0, 2 * row.column + 2 - len(row.graph)))
        text.append("   ")
        word = standing(turn)
        text.append("done" if word == "completed" else word, standing_style(turn))
        words = "  ".join(self._figures(turn))
        text.append(cut(f"  {words}" if words else "", max(0, cells - text.cell_len)), "chain--detail")
        return text

    def _tail(self, turn: Turn) -> str:
        return "  ".join(
            word for word in (*self._figures(turn), self._place_words(turn), standing(turn)) if word
        )

    def _place_words(self, turn: Turn) -> str:
        words = []
        if len(self.inspector.sessions.sessions) > 1:
            words.append(label(self.inspector.sessions.sessions[turn.session]))
        if turn.lane is not None:
            words.append(cut(line(turn.lane, 16), 12))
        return " ".join(words)

    def _figures(self, turn: Turn) -> list[str]:
        words = []
        if turn.number == self._next_parent:
            words.append("parent" if self._is_narrow else "parent of the next")
        if found := self._marks.turn(turn.number).words:
            words.append(f"! {found}")
        if turn.failure is not None:
            words.append(cut(line(turn.failure.code or turn.failure.type or "error", 40), 28))
        response = turn.response
        if response is not None and response.incomplete_reason:
            words.append(line(response.incomplete_reason, 24))
        if turn.is_steered:
            words.append(f"after a steer of T{turn.parent_turn}")
        elif turn.is_forced:
            words.append("unasked")
        elif turn.parent and not turn.parent_turn:
            words.append(f"orphan of {cut(line(turn.parent, 40), 16)}")
        elif turn.resent_turn:
            words.append("resent")
        words += self._call_words(turn)
        if response is not None and response.usage is not None and response.usage.output_tokens is not None:
            words.append(f"{count_words(response.usage.output_tokens)} out")
        is_unended = turn.is_live and self._is_last_word
        words.append("no end" if is_unended else seconds_words(max(0.0, turn.duration(self.now))))
        return words

    def _call_words(self, turn: Turn) -> list[str]:
        response = turn.response
        calls = len(response.calls) if response is not None else 0
        if response is None or not calls:
            return []
        waiting = len(response.pending_calls) if not response.is_live else 0
        return [f"{waiting} of {calls} PENDING" if waiting else f"{calls} call{'s' if calls > 1 else ''}"]

    def _parent_row(self, row: ParentRow, cells: int) -> Text:
        turn = self.inspector.sessions.turn(row.turn)
        lane = f", lane {line(turn.lane, 16)}" if turn is not None and turn.lane is not None else ""
        verdict = {True: "yes", False: "no", None: "maybe"}[row.outlook.works]
        style = "chain--fails" if row.outlook.works is False else "chain--works"
        mark = "> " if row.turn == self._next_parent else "  "
        text = Text().append(mark, "chain--parent")
        text.append(f"T{row.turn} ", "chain--turn")
        text.append(f"{verdict}, {_WHERE_WORDS.get(row.outlook.where, row.outlook.where.value)}", style)
        text.append(cut(lane, max(0, cells - text.cell_len)), "chain--lane")
        return text

    def title_words(self) -> str:
        """How many turns there are."""
        within = self.scope.words(self.inspector.sessions)
        count = len(self.scope.turns(self.inspector.sessions))
        return f"chain   {within}{'   ' if within else ''}{count} turn{'' if count == 1 else 's'}"

    # What came ---------------------------------------------------------------------------------------

    def show(self, batch: Batch) -> None:
        """Take in what a batch changed."""
        if batch.last:
            self.now = max(self.now, self.inspector.recording.elapsed_at(batch.last - 1))
        self._draw()

    def look_into(self, inspector: Inspector) -> None:
        """Show another state of the same recording; what is read stays where it still exists."""
        self.inspector, self.now = inspector, 0.0
        self._marks = Marks(inspector)
        self._drawn = "?"
        self._openings = Openings(inspector)
        self._draw()

    def refresh_at(self, now: float) -> None:
        """Move the clock: durations of what runs, and how long ago a socket ended, are written anew."""
        self.now = max(self.now, now)
        if self.motion is Motion.FROZEN or not self.size.height:
            return
        self.repaint_rows(self.top, self.top + self.rows_height)

    def show_last_word(self, is_last_word: bool) -> None:
        """Say of what is open that it has no end, where nothing more comes; or no longer."""
        if is_last_word != self._is_last_word:
            self._is_last_word = is_last_word
            self.repaint_rows(self.top, self.top + self.rows_height)

    def mark_parent(self, turn: int | None) -> None:
        """Mark the parent of the next send; None: it begins a new chain."""
        if (turn or 0) != self._next_parent:
            self._next_parent = turn or 0
            self.repaint_rows(self.top, self.top + self.rows_height)

    def select_turn(self, turn: int) -> None:
        """Put the cursor on a turn, without telling anybody."""
        for index, row in enumerate(self._tree):
            if isinstance(row, Row) and row.turn == turn and row.kind is Kind.TURN:
                self.select_row(index)
                return

    def show_scope(self, scope: Scope) -> None:
        """Draw the turns of these connections only."""
        before, self.scope = self.scope, scope
        if scope.key != before.key:
            self.cursor = -1
            self._drawn = "?"
            self._draw()
            self.reset_rows()

    def _draw(self) -> None:
        turns = self.scope.turns(self.inspector.sessions)
        count = len(self.scope.sessions(self.inspector.sessions))
        is_narrow = self.rows_width < ONE_ROW_CELLS
        before = self.row_count()
        chosen = self._turn_at(self.cursor)
        signs = "".join(map(marker, turns))
        is_redrawn = signs != self._drawn or is_narrow != self._is_narrow or count != self._drawn_sessions
        if is_redrawn:
            self._is_narrow = is_narrow
            self._drawn, self._drawn_sessions = signs, count
            self._tree = self._with_sockets(branches(turns, has_details=is_narrow))
        self._below = self._parents()
        if is_redrawn and chosen:
            self._keep_cursor(chosen)
        self.repaint_rows(self.top, self.top + self.rows_height)
        if self.row_count() < before:
            self.reset_rows()
        else:
            self.grew()

    def _with_sockets(self, rows: list[Row]) -> list[Row | Heading]:
        out: list[Row | Heading] = []
        told: set[int] = set()
        for row in rows:
            turn = self.inspector.sessions.turn(row.turn)
            if turn is not None and turn.session not in told:
                told.add(turn.session)
                out.append(Heading("", turn.session))
            out.append(row)
        for session in self.scope.sessions(self.inspector.sessions):
            if session.number not in told:
                out.append(Heading("", session.number))
        return out

    def _parents(self) -> list[Heading | ParentRow]:
        sessions = self.inspector.sessions
        turns = self.scope.turns(sessions)
        if not turns or not self._has_parents:
            return []
        session = sessions.sessions.get(self.scope.newest(sessions))
        usable: list[ParentRow] = []
        others: list[ParentRow] = []
        for turn in reversed(turns[-_LOOKED_AT:]):
            if not turn.response_id:
                continue
            outlook = forecast(
                sessions, turn.response_id, session, turn.lane, store=turn.store, profile=self._profile
            )
            (others if outlook.works is False else usable).append(ParentRow(turn.number, outlook))
        told = [*usable[:_TOLD_PARENTS], *others[: max(0, _TOLD_PARENTS - len(usable))]]
        # in a recording of somebody else they are those of the moment that is shown
        is_read = isinstance(self.inspector.recording, Reading)
        title = "parents at this moment" if is_read else "parents you can use now"
        return [Heading(""), Heading(title), *told] if told else []

    def _turn_at(self, index: int) -> int:
        if not 0 <= index < self.row_count():
            return 0
        row = self._at(index)
        return row.turn if isinstance(row, Row | ParentRow) else 0

    def _keep_cursor(self, turn: int) -> None:
        """The same turn stays selected when rows above it are drawn anew; what is in sight stays in sight."""
        shift = self.cursor - self.top
        for index, row in enumerate(self._tree):
            if isinstance(row, Row) and row.turn == turn and row.kind is Kind.TURN:
                was_in_sight = 0 <= shift < self.rows_height
                moved = index - self.cursor
                self.cursor = index
                if moved and was_in_sight and not self.has_class("-following"):
                    self.top = max(0, min(self.top + moved, self.last_top))
                return

    def on_mount(self) -> None:
        """Draw what is there already."""
        super().on_mount()
        self._draw()

    def on_resize(self, event: events.Resize) -> None:
        """Draw for the width that is there now."""
        super().on_resize(event)
        self._draw()

    # What a person does ------------------------------------------------------------------------------

    def row_chosen(self, index: int) -> None:
        """Tell which turn the cursor is on."""
        if turn := self._turn_at(index):
            self.post_message(self.Selected(turn))

    def row_opened(self, index: int) -> None:
        """Tell which turn was opened."""
        if turn := self._turn_at(index):
            self.post_message(self.Opened(turn))
