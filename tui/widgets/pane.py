"""A pane: rows that a person moves through, by keys and wheel; follow, hold and freeze as named states.

Its one rule: what arrives never moves it unless it follows, and never moves its cursor at all. How rows are
painted is the canvas's business; what they are is the subclass's.
"""

from __future__ import annotations

from enum import StrEnum
from time import monotonic
from typing import ClassVar

from textual import events
from textual.binding import BindingType

from tui.keys import Where, bindings
from tui.widgets.searchable import Searchable

_WHEEL_ROWS = 3
_SHIFT_CELLS = 8
_DRESSED_SECONDS = 0.1  # a count that changes more often cannot be read, and each change paints the frame
_COPIED_CHARACTERS = 1 << 16  # of a row, where no subclass knows better


class Motion(StrEnum):
    """What a pane does when rows arrive."""

    FOLLOWING = "following"  #: the newest row stays in sight
    HOLDING = "holding"  #: stays where it is, counts what arrived
    FROZEN = "frozen"  #: the picture stands still until it is let go


class Pane(Searchable, can_focus=True):
    """Rows with a cursor; a subclass calls `grew`, `refresh_rows` or `reset_rows` when its model moved."""

    ALLOW_SELECT: ClassVar[bool] = False  # rows are selected, not characters; `copy_text` says what is copied
    CAN_WRAP: ClassVar[bool] = False  #: whether lines can be wrapped
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Where.PANE, Where.LIVE)]

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.motion = Motion.FOLLOWING
        self.is_wrapped = False
        self.can_freeze = True  #: not where whatever comes can be paused itself
        self.counts_arrivals = True  #: whether it says how many rows came while it held
        self._held_count = 0  # rows when it began to hold or froze
        self._is_dragging_bar = False
        self._dressed_at = 0.0
        self._is_dress_due = False
        self._settled_height = 0  # rows that fitted before the height changed

    # What a subclass gives, beside rows --------------------------------------------------------------

    def row_chosen(self, index: int) -> None:
        """The person moved the cursor to this row; post a message here."""

    def row_opened(self, index: int) -> None:
        """The person pressed enter on this row."""

    def copy_text(self) -> str:
        """The text of the row under the cursor, as it should land in a clipboard; "" when there is none."""
        if 0 <= self.cursor < self.row_count():
            return self.row(self.cursor, _COPIED_CHARACTERS).plain.rstrip()
        return ""

    def state_words(self) -> str:
        """What the lower border says; a subclass adds its own words to these."""
        return "   ".join(words for words in (self.motion_words(), self.find_words()) if words)

    # Rows moved --------------------------------------------------------------------------------------

    def grew(self) -> None:
        """Rows were appended: follow them, or stay and count them."""
        if self.motion is Motion.FOLLOWING:
            if self.top != self.last_top:
                self.top = self.last_top
                self.repaint_inside()
            else:
                self.repaint_rows(self._held_count, self.row_count())
            self._held_count = self.row_count()
        elif self.motion is Motion.HOLDING:
            self.repaint_rows(self._held_count, self.row_count())
        if self.motion is Motion.FOLLOWING:
            self.dress_soon()
        else:
            self.dress()
        self.find_on()

    def dress_soon(self) -> None:
        """Write the words of both borders again, at once or a tenth of a second after the last time."""
        now = monotonic()
        if now - self._dressed_at >= _DRESSED_SECONDS:
            self._dressed_at = now
            self.dress()
        elif not self._is_dress_due:
            self._is_dress_due = True
            self.set_timer(_DRESSED_SECONDS, self._dress_late, name="dress")

    def _dress_late(self) -> None:
        self._is_dress_due = False
        self._dressed_at = monotonic()
        self.dress()

    def refresh_rows(self, first: int, last: int) -> None:
        """The rows from `first` up to `last` read differently: paint those in sight again, unless frozen."""
        if self.motion is not Motion.FROZEN:
            self.forget_rows(first, last)
            self.repaint_rows(first, last)

    def reset_rows(self) -> None:
        """The rows are others now (a filter, a fold, another record): look at them from anew."""
        self.forget_lines()
        self._held_count = min(self._held_count, self.row_count())
        self.settle()
        self.cursor = min(self.cursor, self.row_count() - 1)
        self.find_again()
        self.dress()
        self.refresh()

    @property
    def shown_count(self) -> int:
        """Rows that can be seen now: all, or as many as there were when the picture was frozen."""
        count = self.row_count()
        return min(count, self._held_count) if self.motion is Motion.FROZEN else count

    # Follow, hold, freeze ----------------------------------------------------------------------------

    def follow(self) -> None:
        """Keep the newest row in sight."""
        if self.motion is Motion.FROZEN:
            self.forget_lines()
        self.motion = Motion.FOLLOWING
        self._held_count = self.row_count()
        self.top = self.last_top
        self._moved_state()

    def hold(self) -> None:
        """Stay here while rows arrive; a frozen picture stays frozen."""
        if self.motion is Motion.FOLLOWING:
            self._held_count = self.row_count()
            self.motion = Motion.HOLDING
            self._moved_state()

    def freeze(self) -> None:
        """Let the picture stand still; nothing is lost, only not painted."""
        if self.motion is not Motion.FROZEN:
            self.motion = Motion.FROZEN
            self._held_count = self.row_count()
            self._moved_state()

    def thaw(self) -> None:
        """End a freeze and hold at this place."""
        if self.motion is Motion.FROZEN:
            self.motion = Motion.HOLDING
            self.forget_lines()
            self._moved_state()

    def motion_words(self) -> str:
        """The state in words: `following`, `holding +37`, `frozen +412`."""
        arrived = self.row_count() - self._held_count
        if self.motion is Motion.FOLLOWING or arrived <= 0 or not self.counts_arrivals:
            return self.motion.value
        return f"{self.motion.value} +{arrived:,}"

    def _moved_state(self) -> None:
        for motion in Motion:
            self.set_class(self.motion is motion, f"-{motion.value}")
        self.dress()
        self.refresh()

    # The cursor --------------------------------------------------------------------------------------

    def select_row(self, index: int, *, is_shown: bool = True) -> None:
        """Put the cursor on a row without telling anybody; bring it into sight, and hold, when `is_shown`."""
        if not 0 <= index < self.row_count():
            return
        old, self.cursor = self.cursor, index
        if is_shown:
            self.hold()
            if not self.is_in_sight(index):
                self.scroll_rows_to(index - self.rows_height // 3)
        self.repaint_rows(old, old + 1)
        self.repaint_rows(index, index + 1)
        self.dress()

    def choose_row(self, index: int) -> None:
        """Move the cursor as a person does: hold, bring the row into sight, and tell `row_chosen`."""
        if not self.shown_count:
            return
        index = max(0, min(index, self.shown_count - 1))
        self.hold()
        old, self.cursor = self.cursor, index
        if index < self.top:
            self.scroll_rows_to(index)
        elif index >= self.top + self.rows_height:
            self.scroll_rows_to(index - self.rows_height + 1)
        self.repaint_rows(old, old + 1)
        self.repaint_rows(index, index + 1)
        self.dress()
        if index != old:
            self.row_chosen(index)

    def _move(self, rows: int) -> None:
        if self.is_in_sight(self.cursor):
            self.choose_row(self.cursor + rows)
        elif rows < 0 or self.motion is Motion.FOLLOWING:
            self.choose_row(min(self.top + self.rows_height, self.shown_count) - 1)
        else:
            self.choose_row(self.top)

    def _page(self, rows: int) -> None:
        place = self.cursor - self.top if self.is_in_sight(self.cursor) else 0
        self.hold()
        before = self.top
        self.scroll_rows_to(self.top + rows)
        if self.top == before:
            self.choose_row(0 if rows < 0 else self.shown_count - 1)
        else:
            self.choose_row(self.top + place)

    # Actions -----------------------------------------------------------------------------------------

    def action_cursor_down(self) -> None:
        """One row down; the first time it starts at the edge of what is in sight."""
        self._move(1)

    def action_cursor_up(self) -> None:
        """One row up."""
        self._move(-1)

    def action_page_down(self) -> None:
        """A page on; the cursor keeps its place on the screen."""
        self._page(max(1, self.rows_height - 1))

    def action_page_up(self) -> None:
        """A page back."""
        self._page(-max(1, self.rows_height - 1))

    def action_half_down(self) -> None:
        """Half a page on."""
        self._page(max(1, self.rows_height // 2))

    def action_half_up(self) -> None:
        """Half a page back."""
        self._page(-max(1, self.rows_height // 2))

    def action_top(self) -> None:
        """To the first row."""
        self.shift_to(0)
        self.choose_row(0)

    def action_end(self) -> None:
        """To the last row there is by now, and follow from there; a frozen picture is let go."""
        if self.motion is Motion.FROZEN:
            self.thaw()
        self.choose_row(self.shown_count - 1)
        if self.motion is Motion.HOLDING:
            self.follow()

    def action_shift_left(self) -> None:
        """Towards the start of long rows."""
        self.shift_to(self.left - _SHIFT_CELLS)

    def action_shift_right(self) -> None:
        """Towards the end of long rows."""
        self.shift_to(self.left + _SHIFT_CELLS)

    def action_open(self) -> None:
        """Open the row under the cursor."""
        if 0 <= self.cursor < self.shown_count:
            self.row_opened(self.cursor)

    def action_toggle_follow(self) -> None:
        """Follow the end, or hold here."""
        if self.motion is Motion.FOLLOWING:
            self.hold()
        else:
            self.follow()

    def action_toggle_freeze(self) -> None:
        """Freeze the picture, or let it go."""
        if self.motion is Motion.FROZEN:
            self.thaw()
        else:
            self.freeze()

    def action_toggle_wrap(self) -> None:
        """Wrap long lines, or cut them."""
        self.is_wrapped = not self.is_wrapped
        self.left = 0
        self.reset_rows()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave a key to others while it means nothing here."""
        if action == "toggle_wrap":
            return self.CAN_WRAP
        if action in ("find_next", "find_previous"):
            return self.search is not None
        if action == "toggle_freeze":
            return self.can_freeze
        return True

    # Events of the terminal --------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Show the state from the first picture on."""
        self._moved_state()

    def settle(self) -> None:
        """The height changed: keep the end in sight when following, else the first row and the cursor."""
        had_cursor = self.top <= self.cursor < self.top + self._settled_height
        self.top = self.last_top if self.motion is Motion.FOLLOWING else min(self.top, self.last_top)
        if had_cursor and self.motion is not Motion.FOLLOWING and self.rows_height:
            self.top = max(self.top, min(self.cursor - self.rows_height + 1, self.last_top))
        self._settled_height = self.rows_height

    def on_resize(self, event: events.Resize) -> None:
        """Keep the place; paint again where that is another one.

        A pane that was out of sight had no height to find its place by, and is painted before this is told.
        """
        before = self.top
        self.settle()
        if self.top != before:
            self.refresh()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll down; at the end, follow."""
        event.stop()
        event.prevent_default()
        if event.shift or event.ctrl:
            self.action_shift_right()
        elif self.top < self.last_top:
            self.hold()
            self.scroll_rows_to(self.top + _WHEEL_ROWS)
        elif self.motion is Motion.HOLDING:
            self.follow()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll up, and hold."""
        event.stop()
        event.prevent_default()
        if event.shift or event.ctrl:
            self.action_shift_left()
        else:
            self.hold()
            self.scroll_rows_to(self.top - _WHEEL_ROWS)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Select the row under the pointer, or take hold of the scroll bar."""
        place = event.get_content_offset(self)
        if place is None:
            return
        line = place.y - self.HEAD_LINES
        if place.x >= self.rows_width:
            self._is_dragging_bar = True
            self.capture_mouse()
            self._drag_bar(line)
        elif 0 <= line < self.rows_height and self.top + line < self.shown_count:
            self.choose_row(self.top + line)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag the scroll bar."""
        if self._is_dragging_bar:
            self._drag_bar(event.y - self.gutter.top - self.HEAD_LINES)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let go of the scroll bar."""
        if self._is_dragging_bar:
            self._is_dragging_bar = False
            self.release_mouse()

    def _drag_bar(self, y: int) -> None:
        self.hold()
        self.scroll_rows_to(round(y / max(1, self.rows_height - 1) * self.last_top))
