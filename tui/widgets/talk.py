"""Talk: the conversation as it is spoken, turn by turn, each kind of thing in a block of its own.

Its one rule: what is read stays where it is. When a turn above grows or folds, the rows in sight keep their
place; only following moves them. What the rows are and how they are laid out is `tui.layout`'s business.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, ClassVar

from rich.text import Text
from textual import events
from textual.binding import BindingType
from textual.message import Message

from sessions.changes import What
from sessions.forms import check_arguments
from sessions.inspector import Batch, Inspector
from sessions.session import Turn
from tui.excerpt import Excerpt
from tui.figures import seconds_words, standing
from tui.keys import Where, bindings
from tui.laid import Anchor, Place
from tui.layout import Layout
from tui.marks import Marks
from tui.missed import Missed
from tui.scope import Scope
from tui.sight import anchor_at, lay_out_below, lay_out_end, row_at
from tui.talk_rows import STYLES, copied, draw, is_in_row, row_key
from tui.widgets.pane import Motion, Pane

_SETTLED = 8  # turns laid out in one step, between other work
_PAUSE_SECONDS = 0.01
_KEPT_HEADINGS = 512
_NARROWEST = 16  # cells; in fewer, rows are cut instead of wrapped


def schema_problems(schema: Mapping[str, Any], value: Any) -> tuple[str, ...]:
    """What is wrong with a call's arguments, in sentences; empty when nothing is."""
    return tuple(wrong.sentence for wrong in check_arguments(schema, value).problems)


class Talk(Pane):
    """The conversation of all turns, or of one chain."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {*STYLES}
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Where.TALK)]

    class Selected(Message):
        """The person chose a row: the turn it belongs to and the record that brought it."""

        def __init__(self, turn: int, record: int) -> None:
            super().__init__()
            self.turn = turn
            self.record = record

    class Opened(Message):
        """The person pressed enter on a row that does not fold."""

        def __init__(self, turn: int, record: int) -> None:
            super().__init__()
            self.turn = turn
            self.record = record

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
        self.spoken = Layout(inspector.sessions, inspector.recording.event, schema_problems)
        self._marks = Marks(inspector)
        count = len(inspector.recording)
        self.now = inspector.recording.elapsed_at(count - 1) if count else 0.0
        self.linked = -1  #: the record whose words are marked
        self._excerpt = Excerpt()
        self._left: dict[Hashable, tuple[Motion, Anchor | None, Anchor | None]] = {}  # places in other scopes
        self._missed = Missed()
        self._is_settling = False
        self._headings: dict[int, Hashable] = {}
        self._open_calls = self._excerpt.open_calls(inspector.sessions)
        self.spoken.sync()

    # Rows --------------------------------------------------------------------------------------------

    def row_count(self) -> int:
        """All rows of all turns that are shown."""
        return self.spoken.row_count()

    def row(self, index: int, width: int) -> Text:
        """One row of the conversation."""
        if not 0 <= index < self.spoken.row_count():
            return Text()
        place = self.spoken.place(index)
        return draw(self.spoken, place, self.now, self.linked, self._marks.turn(place.turn))

    def row_key(self, index: int) -> Hashable:
        """What a row says, as a few values that differ when it reads differently."""
        place = self.spoken.place(index)
        turn = self.inspector.sessions.turn(place.turn)
        if place.row == 0 and turn is not None:
            return (place.turn, self.spoken.width, self._said_above(turn))
        return row_key(self.spoken, place, self.linked)

    def _said_above(self, turn: Turn) -> Hashable:
        """What a heading says; while the picture is frozen what it said last, so that it stays as it is."""
        if self.motion is Motion.FROZEN and turn.number in self._headings:
            return self._headings[turn.number]
        duration = seconds_words(turn.duration(self.now))
        several = len(self.inspector.sessions.sessions) > 1
        found = self._marks.turn(turn.number)
        said = (standing(turn), duration, turn.response_id, turn.parent_turn, several, found)
        if len(self._headings) >= _KEPT_HEADINGS:
            self._headings.clear()
        self._headings[turn.number] = said
        return said

    def row_matches(self, index: int, needle: str) -> bool:
        """Whether a match begins in this row; it may go on in the next, and a folded block counts whole."""
        found = is_in_row(self.spoken, self.spoken.place(index), needle)
        return super().row_matches(index, needle) if found is None else found

    def title_words(self) -> str:
        """Whose words these are, how many turns, how many calls wait."""
        count = len(self.spoken.numbers)
        within = self._excerpt.words(self.inspector.sessions)
        scope = f"{within}   " if within else ""
        open_calls = self._open_calls
        calls = f"   {open_calls} call{'s' if open_calls > 1 else ''} open" if open_calls else ""
        return f"talk   {scope}{count} turn{'' if count == 1 else 's'}{calls}"

    def state_words(self) -> str:
        """The states, and whether text is shown plain."""
        plain = "" if self.spoken.is_markdown else "plain text"
        laying = "laying out" if self._is_settling else ""
        return "   ".join(words for words in (super().state_words(), plain, laying) if words)

    def motion_words(self) -> str:
        """The state; a frozen picture counts the turns that go on behind it: no row of them is laid out."""
        is_told = self.motion is Motion.FROZEN and bool(self._missed)
        return self._missed.words() if is_told else super().motion_words()

    def copy_text(self) -> str:
        """The whole text of the block under the cursor; the response's id for a heading."""
        if not 0 <= self.cursor < self.row_count():
            return ""
        place = self.spoken.place(self.cursor)
        return copied(self.spoken, place)

    # What came ---------------------------------------------------------------------------------------

    def show(self, batch: Batch) -> None:
        """Take in what a batch changed."""
        if batch.last:
            self.now = max(self.now, self.inspector.recording.elapsed_at(batch.last - 1))
        if not batch.is_complete or any(change.what is not What.TEXT for change in batch.changes):
            self._open_calls = self._excerpt.open_calls(self.inspector.sessions)
        grown = self._missed.add(batch, self.inspector.sessions)
        if self.motion is Motion.FROZEN:
            self._missed.turns |= grown
            self.dress()
            return
        self._take_in(grown)

    def look_into(self, inspector: Inspector) -> None:
        """Show another state of the same recording; what is read stays where it still exists."""
        top, cursor = self._anchors()
        before = self.spoken
        self.inspector, self.now = inspector, 0.0
        self._marks = Marks(inspector)
        self.spoken = Layout(inspector.sessions, inspector.recording.event, schema_problems)
        self.spoken.is_markdown = before.is_markdown
        self.spoken.set_width(before.width)
        self._excerpt.cut(len(inspector.sessions.turns))
        self._missed.clear()
        self._headings.clear()
        self._left.clear()
        self._open_calls = self._excerpt.open_calls(inspector.sessions)
        self.spoken.sync()
        self._arrange(top, cursor)
        if self.motion is Motion.FOLLOWING:
            self.follow()

    def _take_in(self, grown: set[int]) -> None:
        top, cursor = self._anchors()
        spoken = self.spoken
        count = len(spoken.numbers)
        self._lengthen()
        spoken.sync()
        if self._missed.is_all:
            spoken.forget()
            changed = [0]
        else:
            for number in self._missed.turns:
                spoken.touch(number)
            # from its heading on: that is where a turn's state and time are said
            changed = [spoken.row_of(Place(number, 0)) for number in self._missed.turns]
            changed += [spoken.row_of(Place(number, spoken.grow(number))) for number in grown]
        self._missed.clear()
        if count < len(spoken.numbers):
            changed.append(spoken.row_of(Place(spoken.numbers[count], 0)))
        self._settle_soon()
        self._restore(top, cursor)
        rows = [row for row in changed if row >= 0]
        if rows:
            self.repaint_rows(min(rows), self.row_count() + self.rows_height)
        self.grew()

    def _lengthen(self) -> None:
        """Take up the turns that came to the chain, or to the scope, that is shown."""
        self._excerpt.lengthen(self.inspector.sessions)
        shown = self._excerpt.numbers
        if shown is not None:
            self.spoken.show_more(shown)

    def refresh_at(self, now: float) -> None:
        """Move the clock: durations of running turns in sight are written anew."""
        self.now = max(self.now, now)
        if self.motion is Motion.FROZEN or not self.size.height:
            return
        for index in range(self.top, min(self.top + self.rows_height, self.row_count())):
            place = self.spoken.place(index)
            if place.row == 0:
                turn = self.inspector.sessions.turn(place.turn)
                if turn is not None and turn.is_live:
                    self.repaint_rows(index, index + 1)

    # Places ------------------------------------------------------------------------------------------

    def _anchors(self) -> tuple[Anchor | None, Anchor | None]:
        """Of the row at the top, unless the end is followed, and of the cursor."""
        count = self.row_count()
        is_read = count > 0 and self.motion is not Motion.FOLLOWING
        top = anchor_at(self.spoken, min(self.top, count - 1)) if is_read else None
        return top, anchor_at(self.spoken, self.cursor)

    def _restore(self, top: Anchor | None, cursor: Anchor | None) -> None:
        if cursor is not None:
            self.cursor = row_at(self.spoken, cursor)
        if top is not None:
            self._look_down(top)
        else:
            lay_out_end(self.spoken, self.rows_height)

    def _look_down(self, anchor: Anchor) -> None:
        """Put an anchor at the top again."""
        first = lay_out_below(self.spoken, anchor, self.rows_height)
        top = max(0, min(first, self.last_top))
        if top != self.top:
            self.top = top
            self.repaint_inside()

    def scroll_rows_to(self, top: int) -> None:
        """Paint from this row on, its turns laid out first."""
        count = self.row_count()
        if count:
            place = self.spoken.place(max(0, min(top, count - 1)))
            self._look_down(self.spoken.anchor(place))
            top = self.spoken.row_of(place)
        super().scroll_rows_to(top)

    def on_resize(self, event: events.Resize) -> None:
        """Lay out for the new width; the same words stay at the top."""
        before = self.top
        top, cursor = self._anchors()
        if self.spoken.set_width(max(_NARROWEST, self.rows_width)):
            self.forget_lines()
        self._settle_soon()
        self._restore(top, cursor)
        if self.motion is Motion.FOLLOWING:
            self.top = self.last_top
        if self.top != before:
            self.refresh()  # it may have been painted already, at the place that it had out of sight
        self.find_again()

    def _settle_soon(self) -> None:
        if not self._is_settling and self.is_attached and not self.spoken.is_settled:
            self._is_settling = True
            self.set_timer(_PAUSE_SECONDS, self._settle, name="settle")

    def _settle(self) -> None:
        """Lay out some turns that nobody has looked at, and what was too large for one step."""
        self._is_settling = False
        if self.motion is Motion.FROZEN or not self.size.height:
            return
        before = self.row_count()
        top, cursor = self._anchors()
        is_settled = self.spoken.settle(_SETTLED)
        for number in self.spoken.unwrapped():
            self.spoken.touch(number)
            is_settled = False
        self._restore(top, cursor)
        if self.row_count() != before:
            if self.motion is Motion.FOLLOWING:
                self.grew()
            else:
                self._held_count += self.row_count() - before  # these rows were there, only not counted yet
                self.find_again()
            self.refresh()
        if not is_settled:
            self._settle_soon()
        self.dress()

    # What a person does ------------------------------------------------------------------------------

    def row_chosen(self, index: int) -> None:
        """Tell which turn and record the cursor is on."""
        place = self.spoken.place(index)
        self.post_message(self.Selected(place.turn, self.spoken.record_of(place)))

    def row_opened(self, index: int) -> None:
        """Fold or unfold; a row that does not fold is opened by whoever listens."""
        place = self.spoken.place(index)
        top, _ = self._anchors()
        found = self.spoken.laid(place.turn).piece_at(place.row)
        if found is not None and found[0].block.is_folded and self.spoken.toggle(place):
            self._restore(top, None)
            self.cursor = self.spoken.row_of(Place(place.turn, found[0].first))
            self.reset_rows()
        else:
            self.post_message(self.Opened(place.turn, self.spoken.record_of(place)))

    def thaw(self) -> None:
        """End a freeze: hold here, and take in what came meanwhile."""
        super().thaw()
        self._take_in(set())

    def follow(self) -> None:
        """Keep the end in sight, whatever was frozen before."""
        was_frozen = self.motion is Motion.FROZEN
        lay_out_end(self.spoken, self.rows_height)
        super().follow()
        if was_frozen:
            self._take_in(set())

    def action_toggle_markdown(self) -> None:
        """Show finished answers plain, or with light Markdown."""
        self.spoken.is_markdown = not self.spoken.is_markdown
        self.dress()
        self.refresh()

    def action_toggle_scope(self) -> None:
        """Show only the chain of the selected turn, or all turns."""
        if self._excerpt.is_chain:
            self.show_chain(None)
        elif self.row_count():
            at = self.cursor if self.cursor >= 0 else self.row_count() - 1
            self.show_chain(self.spoken.place(at).turn)

    def show_chain(self, number: int | None) -> None:
        """Show the turns from the root to this one and what will continue it; None: all of the scope."""
        turn = self.inspector.sessions.turn(number or 0)
        top, cursor = self._anchors()
        self._excerpt.take_chain(self.inspector.sessions.story(turn) if turn is not None else ())
        self._arrange(top, cursor)

    def show_scope(self, scope: Scope) -> None:
        """Show the turns of these connections only; the place in the scope before is kept for it."""
        before, self._excerpt.scope = self._excerpt.scope, scope
        if scope == before:
            return
        if scope.key != before.key:
            self.thaw()
            self._left[before.key] = (self.motion, *self._anchors())
            self._excerpt.take_chain(())
        self._excerpt.begin_again()
        self._open_calls = self._excerpt.open_calls(self.inspector.sessions)
        if scope.key == before.key:
            self._arrange(*self._anchors())
            return
        motion, top, cursor = self._left.pop(scope.key, (Motion.FOLLOWING, None, None))
        if motion is Motion.FOLLOWING:
            self._arrange(None, cursor)
            self.follow()
        else:
            self.hold()
            self._arrange(top, cursor)

    def _arrange(self, top: Anchor | None, cursor: Anchor | None) -> None:
        """Show the chain or the scope that is wanted now, from this place on."""
        if self._excerpt.is_due:
            self._lengthen()
        self.spoken.show_only(self._excerpt.numbers)
        top = top if top is not None and top.turn in self.spoken.numbers else None
        cursor = cursor if cursor is not None and cursor.turn in self.spoken.numbers else None
        self.cursor = -1
        self._restore(top, cursor)
        self._settle_soon()
        self.reset_rows()

    def show_turn(self, number: int) -> None:
        """Bring the heading of a turn to the top, the cursor on it."""
        self._show_place(Place(number, 0), is_at_top=True)

    def show_record(self, number: int) -> None:
        """Bring the words that a record brought into sight and mark them."""
        self._include(number)
        place = self.spoken.place_of(number)
        if place is None:
            return
        found = self.spoken.laid(place.turn).piece_at(place.row)
        if found is not None and found[0].is_folded:
            self.spoken.toggle(place)
            place = self.spoken.place_of(number) or place
        self.linked = number
        self.forget_lines()
        self._show_place(place)
        self.refresh()

    def _include(self, record: int) -> None:
        column = self.inspector.sessions.turn_column
        number = column[record] if 0 <= record < len(column) else 0
        is_shown = self._excerpt.scope.has_turn(self.inspector.sessions.turn(number))
        if is_shown and number not in self.spoken.numbers:
            self.show_chain(None)

    def _show_place(self, place: Place, *, is_at_top: bool = False) -> None:
        if place.turn not in self.spoken.numbers:
            if not self._excerpt.scope.has_turn(self.inspector.sessions.turn(place.turn)):
                return
            self.show_chain(None)
        self.spoken.laid(place.turn)
        self.select_row(self.spoken.row_of(place))
        if is_at_top:
            self.scroll_rows_to(self.cursor)
