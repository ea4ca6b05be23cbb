"""A pane: rows from a model, painted from an own integer offset; the base of every list and text on screen.

Its one rule: what arrives never moves it unless it follows. It keeps no rows, only a bounded cache of
painted lines, and asks its subclass for a row by number. Textual draws the frame (border, titles, padding)
from the style sheet; the inside is drawn here, because a growing virtual size lays the screen out each time.
"""

from __future__ import annotations

from collections.abc import Hashable
from enum import StrEnum
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Span, Text
from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.content import Content
from textual.geometry import Region, Spacing
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input

from sessions.safe import safe_line
from tui.cells import steady
from tui.search import Search
from tui.widgets.prompt import Prompt

CACHED_LINES = 1024
_WHEEL_ROWS = 3
_SLICE_SECONDS, _PAUSE_SECONDS = 0.008, 0.004  # a search works and lets others work

# name of the binding, keys, action, label, what it does
_KEYS = (
    ("down", "down,j", "move(1)", "Down", "One row down"),
    ("up", "up,k", "move(-1)", "Up", "One row up"),
    ("top", "home,g", "top", "Top", "To the first row"),
    ("bottom", "end,G", "bottom", "End", "To the last row, and follow"),
    ("page_down", "pagedown,ctrl+f", "page(1)", "Page down", "A page on"),
    ("page_up", "pageup,ctrl+b", "page(-1)", "Page up", "A page back"),
    ("half_down", "ctrl+d", "page(0.5)", "Half page down", "Half a page on"),
    ("half_up", "ctrl+u", "page(-0.5)", "Half page up", "Half a page back"),
    ("left", "left,h", "shift(-8)", "Left", "Towards the start of long rows"),
    ("right", "right,l", "shift(8)", "Right", "Towards the end of long rows"),
    ("open", "enter", "open", "Open", "Open the row under the cursor"),
    ("follow", "F", "follow", "Follow", "Follow the end, or hold here"),
    ("freeze", "space", "freeze", "Freeze", "Freeze the picture, or let it go"),
    ("find", "slash", "find", "Find", "Find text in all rows"),
    ("find_next", "n", "find_next", "Next", "To the next match"),
    ("find_previous", "N", "find_previous", "Previous", "To the match before"),
    ("clear_find", "escape", "clear_find", "Forget", "Forget what was looked for"),
    ("wrap", "w", "toggle_wrap", "Wrap", "Wrap long lines, or cut them"),
)


class Motion(StrEnum):
    """What a pane does when rows arrive."""

    FOLLOWING = "following"  #: the newest row stays in sight
    HOLDING = "holding"  #: stays where it is, counts what arrived
    FROZEN = "frozen"  #: the picture stands still until it is let go


class Pane(Widget, can_focus=True):
    """Rows with a cursor, a scroll bar, find, and follow, hold and freeze as named states.

    A subclass gives `row_count` and `row`, and calls `grew` or `refresh_rows` when its model moved. Styles
    in a row's text are names of component classes (`"pane--client"`): the style sheet owns every colour.
    """

    ALLOW_SELECT: ClassVar[bool] = False  # rows are selected, not characters; `copy_text` says what is copied
    CAN_WRAP: ClassVar[bool] = False  #: whether `w` means something here
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "pane--cursor",
        "pane--cursor-blurred",
        "pane--match",
        "pane--thumb",
        "pane--track",
        "pane--client",
        "pane--server",
        "pane--local",
        "pane--dim",
        "pane--key",
        "pane--string",
        "pane--number",
        "pane--literal",
        "pane--good",
        "pane--warning",
        "pane--error",
        "pane--strong",
        "pane--heading",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(keys, action, label, show=False, id=f"pane.{name}", tooltip=tooltip)
        for name, keys, action, label, tooltip in _KEYS
    ]

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.top = 0  #: the row painted first
        self.left = 0  #: cells of long rows that are out of sight at the left
        self.cursor = -1  #: the selected row; -1 until one is
        self.motion = Motion.FOLLOWING
        self.is_wrapped = False
        self.search: Search | None = None
        self._prompt: Prompt | None = None
        self._held_count = 0  # rows when it began to hold or froze
        self._find_forward = True
        self._find_origin = -1
        self._is_searching = False  # the cursor waits to go to a match
        self._is_search_due = False
        self._is_dragging_bar = False
        self._lines: LRUCache[Hashable, tuple[tuple[int, ...], Strip]] = LRUCache(CACHED_LINES)
        self._styles: dict[str, Style] = {}
        self._edges: tuple[Strip, Strip] | None = None
        self._edges_for: tuple[int, int] = (0, 0)
        self._title = self._subtitle = ""

    # What a subclass gives ---------------------------------------------------------------------------

    def row_count(self) -> int:
        """How many rows there are now."""
        return 0

    def row(self, index: int, width: int) -> Text:
        """One row, already safe, of one line; what is longer than `width` is cut, or shifted into sight."""
        return Text("")

    def row_key(self, index: int) -> Hashable:
        """What a painted row is cached under; change it, or call `refresh_rows`, when the row changes."""
        return index

    def row_matches(self, index: int, needle: str) -> bool:
        """Whether a row holds the text that is looked for; case does not count."""
        return needle.casefold() in self.row(index, 4096).plain.casefold()

    def row_chosen(self, index: int) -> None:
        """The person moved the cursor to this row; post a message here."""

    def row_opened(self, index: int) -> None:
        """The person pressed enter on this row."""

    def copy_text(self) -> str:
        """The text of the row under the cursor, as it should land in a clipboard; "" when there is none."""
        if 0 <= self.cursor < self.row_count():
            return self.row(self.cursor, 4096).plain.rstrip()
        return ""

    def title_words(self) -> str:
        """What the upper border says."""
        return ""

    def state_words(self) -> str:
        """What the lower border says; a subclass adds its own words to these."""
        words = [self.motion_words()]
        if found := self.find_words():
            words.append(found)
        return "   ".join(word for word in words if word)

    # Rows moved --------------------------------------------------------------------------------------

    def grew(self) -> None:
        """Rows were appended: follow them, or stay and count them."""
        if self.motion is Motion.FOLLOWING:
            top = self._last_top()
            if top != self.top:
                self.top = top
                self.refresh()
            else:
                self._repaint_rows(self._held_count, self.row_count())
            self._held_count = self.row_count()
        elif self.motion is Motion.HOLDING and self._held_count < self.top + self.rows_height:
            self._repaint_rows(self._held_count, self.row_count())
        self._dress()
        if self.search is not None and not self.search.is_complete(self.row_count()):
            self._search_soon()

    def refresh_rows(self, first: int, last: int) -> None:
        """The rows from `first` up to `last` changed: paint those that are in sight again, unless frozen."""
        if self.motion is Motion.FROZEN:
            return
        for index in range(max(first, self.top), min(last, self.top + self.rows_height)):
            self._forget(index)
        self._repaint_rows(first, last)

    def reset_rows(self) -> None:
        """The rows are others now (a filter, a fold, another record): forget what was painted, look again."""
        self._lines.clear()
        self.top = min(self.top, self._last_top())
        if self.motion is Motion.FOLLOWING:
            self.top = self._last_top()
        self._held_count = min(self._held_count, self.row_count())
        self.cursor = min(self.cursor, self.row_count() - 1)
        self.clear_find()
        self._dress()
        self.refresh()

    @property
    def shown_count(self) -> int:
        """Rows that can be seen now: all, or as many as there were when the picture was frozen."""
        count = self.row_count()
        return min(count, self._held_count) if self.motion is Motion.FROZEN else count

    @property
    def rows_height(self) -> int:
        """How many rows fit."""
        return max(0, self.size.height - (1 if self._prompt is not None else 0))

    @property
    def rows_width(self) -> int:
        """How many cells a row has; the last cell of the pane is its scroll bar."""
        return max(0, self.size.width - 1)

    # Follow, hold, freeze ----------------------------------------------------------------------------

    def follow(self) -> None:
        """Keep the newest row in sight."""
        self.motion = Motion.FOLLOWING
        self._held_count = self.row_count()
        self.top = self._last_top()
        self._moved_state()

    def hold(self) -> None:
        """Stay where it is while rows arrive."""
        if self.motion is Motion.FOLLOWING:
            self._held_count = self.row_count()
        if self.motion is not Motion.HOLDING:
            self.motion = Motion.HOLDING
            self._moved_state()

    def freeze(self) -> None:
        """Let the picture stand still; nothing is lost, only not painted."""
        if self.motion is not Motion.FROZEN:
            self.motion = Motion.FROZEN
            self._held_count = self.row_count()
            self._moved_state()

    def thaw(self) -> None:
        """End a freeze: hold at this place."""
        if self.motion is Motion.FROZEN:
            self.motion = Motion.HOLDING
            self._lines.clear()
            self._moved_state()

    def _moved_state(self) -> None:
        for motion in Motion:
            self.set_class(self.motion is motion, f"-{motion.value}")
        self._dress()
        self.refresh()

    def motion_words(self) -> str:
        """The state in words: `following`, `holding +37`, `frozen +412`."""
        if self.motion is Motion.FOLLOWING:
            return self.motion.value
        arrived = self.row_count() - self._held_count
        return f"{self.motion.value} +{arrived:,}" if arrived > 0 else self.motion.value

    # The cursor and the offset -----------------------------------------------------------------------

    def select_row(self, index: int, *, is_shown: bool = True) -> None:
        """Put the cursor on a row without telling anybody; scroll to it, and hold, when `is_shown`."""
        if not 0 <= index < self.row_count():
            return
        old, self.cursor = self.cursor, index
        if is_shown and not self.top <= index < self.top + self.rows_height:
            if self.motion is Motion.FOLLOWING:
                self.hold()
            self.scroll_rows_to(index - self.rows_height // 3)
        self._repaint_rows(old, old + 1)
        self._repaint_rows(index, index + 1)

    def scroll_rows_to(self, top: int) -> None:
        """Paint from this row on, as far as there are rows."""
        last = max(0, self.shown_count - self.rows_height)
        top = max(0, min(top, last))
        if top != self.top:
            self.top = top
            self.refresh()

    def _last_top(self) -> int:
        return max(0, self.shown_count - self.rows_height)

    def _choose(self, index: int) -> None:
        count = self.shown_count
        if not count:
            return
        index = max(0, min(index, count - 1))
        self.hold()
        old, self.cursor = self.cursor, index
        if index < self.top:
            self.scroll_rows_to(index)
        elif index >= self.top + self.rows_height:
            self.scroll_rows_to(index - self.rows_height + 1)
        self._repaint_rows(old, old + 1)
        self._repaint_rows(index, index + 1)
        if index != old:
            self.row_chosen(index)

    def action_move(self, rows: int) -> None:
        """Move the cursor; it starts at the edge of what is in sight."""
        if self.top <= self.cursor < self.top + self.rows_height:
            self._choose(self.cursor + rows)
        else:
            last = min(self.top + self.rows_height, self.shown_count) - 1
            self._choose(last if rows < 0 or self.motion is Motion.FOLLOWING else self.top)

    def action_top(self) -> None:
        """To the first row."""
        self._choose(0)

    def action_bottom(self) -> None:
        """To the last row, and follow from there."""
        was_frozen = self.motion is Motion.FROZEN
        self._choose(self.shown_count - 1)
        if not was_frozen:
            self.follow()

    def action_page(self, pages: float) -> None:
        """A page on or back; the cursor keeps its place on the screen."""
        rows = round(pages * max(1, self.rows_height - 1))
        in_sight = self.top <= self.cursor < self.top + self.rows_height
        place = self.cursor - self.top if in_sight else 0
        self.hold()
        before = self.top
        self.scroll_rows_to(self.top + rows)
        if self.top == before:
            self._choose(0 if rows < 0 else self.shown_count - 1)
        else:
            self._choose(self.top + place)

    def action_shift(self, cells: int) -> None:
        """Shift long rows to the side."""
        left = max(0, self.left + cells)
        if left != self.left:
            self.left = left
            self.refresh()

    def action_open(self) -> None:
        """Open the row under the cursor."""
        if 0 <= self.cursor < self.shown_count:
            self.row_opened(self.cursor)

    def action_follow(self) -> None:
        """Follow the end, or hold here."""
        if self.motion is Motion.FOLLOWING:
            self.hold()
        else:
            self.follow()

    def action_freeze(self) -> None:
        """Freeze the picture, or let it go."""
        if self.motion is Motion.FROZEN:
            self.thaw()
        else:
            self.freeze()

    def action_toggle_wrap(self) -> None:
        """Wrap long lines, or cut them."""
        if self.CAN_WRAP:
            self.is_wrapped = not self.is_wrapped
            self.left = 0
            self.reset_rows()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll down; at the end, follow."""
        event.stop()
        event.prevent_default()
        if event.shift or event.ctrl:
            self.action_shift(8)
            return
        if self.top >= self._last_top():
            if self.motion is Motion.HOLDING:
                self.follow()
            return
        self.hold()
        self.scroll_rows_to(self.top + _WHEEL_ROWS)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll up, and hold."""
        event.stop()
        event.prevent_default()
        if event.shift or event.ctrl:
            self.action_shift(-8)
            return
        self.hold()
        self.scroll_rows_to(self.top - _WHEEL_ROWS)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Select the row under the pointer, or take hold of the scroll bar."""
        place = event.get_content_offset(self)
        if place is None:
            return
        if place.x >= self.rows_width:
            self._is_dragging_bar = True
            self.capture_mouse()
            self._drag_bar(place.y)
        elif place.y < self.rows_height and self.top + place.y < self.shown_count:
            self._choose(self.top + place.y)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag the scroll bar."""
        if self._is_dragging_bar:
            self._drag_bar(event.y - self.gutter.top)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let go of the scroll bar."""
        if self._is_dragging_bar:
            self._is_dragging_bar = False
            self.release_mouse()

    def _drag_bar(self, y: int) -> None:
        self.hold()
        share = y / max(1, self.rows_height - 1)
        self.scroll_rows_to(round(share * self._last_top()))

    # Find --------------------------------------------------------------------------------------------

    def find(self, text: str, forward: bool = True, *, start: int | None = None) -> None:
        """Look for text in all rows and go to the nearest match after (or before) the cursor, or `start`."""
        if not text:
            self.clear_find()
            return
        origin = start if start is not None else self.cursor if self.cursor >= 0 else self.top
        if self.search is None or self.search.needle != text:
            self._lines.clear()
            self.search = Search(text, origin, lambda index: self.row_matches(index, text))
            origin -= 1 if forward and start is not None else 0
        self._find_forward, self._find_origin = forward, origin
        self._is_searching = True
        self._search_soon()

    def clear_find(self) -> None:
        """Forget what was looked for."""
        if self.search is not None:
            self.search = None
            self._is_searching = False
            self._lines.clear()
            self._dress()
            self.refresh()

    def find_words(self) -> str:
        """How far the search is: `3 of 17`, `searching 41%`, `nothing found`."""
        if self.search is None:
            return ""
        count = self.row_count()
        total = len(self.search)
        is_complete = self.search.is_complete(count)
        rank = self.search.rank(self.cursor)
        words = f"{rank:,} of {total:,}" if rank else f"{total:,} found" if total else "nothing found"
        if not is_complete:
            share = f"searching\u2026 {self.search.progress(count):.0%}"
            words = f"{words}, {share}" if total else share
        return f"/{safe_line(self.search.needle, 24)}  {words}"

    def _search_soon(self) -> None:
        if not self._is_search_due:
            self._is_search_due = True
            self.set_timer(_PAUSE_SECONDS, self._search_on, name="search")

    def _search_on(self) -> None:
        self._is_search_due = False
        search = self.search
        if search is None:
            return
        count = self.shown_count
        search.advance(count, _SLICE_SECONDS)
        if self._is_searching:
            step = search.following if self._find_forward else search.preceding
            found = step(self._find_origin, count)
            if found is not None:
                self._is_searching = False
                self._choose(found)
            elif search.is_complete(count):
                self._is_searching = False
        self._dress()
        self.refresh()
        if not search.is_complete(count):
            self._search_soon()

    def ask(self, purpose: str, value: str = "", *, placeholder: str = "") -> None:
        """Open the line at the foot of the pane and type into it; a subclass reads it in `answered`."""
        if self._prompt is None:
            self._find_origin = self.cursor if self.cursor >= 0 else self.top
            self._prompt = Prompt(purpose, value, placeholder=placeholder)
            self.mount(self._prompt)
            self._prompt.focus()
            self.refresh()

    def answering(self, purpose: str, value: str) -> None:
        """Something is being typed into the line at the foot."""
        if purpose == "find":
            self.search = None
            self.find(value, start=max(0, self._find_origin))

    def answered(self, purpose: str, value: str | None) -> None:
        """The line at the foot was left: with a value to keep, or with None to take it back."""
        if purpose == "find" and value is None:
            self.clear_find()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Pass on what is typed while it is typed."""
        event.stop()
        if self._prompt is not None:
            self.answering(self._prompt.purpose, event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep what was typed."""
        event.stop()
        self._leave_prompt(event.value)

    def on_prompt_given_up(self, event: Prompt.GivenUp) -> None:
        """Take back what was typed."""
        event.stop()
        self._leave_prompt(None)

    def _leave_prompt(self, value: str | None) -> None:
        prompt, self._prompt = self._prompt, None
        if prompt is not None:
            self.focus()
            prompt.remove()
            self.answered(prompt.purpose, value)
            self.refresh()

    def action_find(self) -> None:
        """Type what to find."""
        self.ask("find", placeholder="find in all rows")

    def action_clear_find(self) -> None:
        """Forget what was looked for."""
        self.clear_find()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave esc and w to others while they mean nothing here."""
        if action == "clear_find":
            return self.search is not None
        return self.CAN_WRAP if action == "toggle_wrap" else True

    def action_find_next(self) -> None:
        """To the next match."""
        if self.search is not None:
            self.find(self.search.needle)

    def action_find_previous(self) -> None:
        """To the match before."""
        if self.search is not None:
            self.find(self.search.needle, forward=False)

    # Painting ----------------------------------------------------------------------------------------

    def style_named(self, name: str) -> Style:
        """The style of a component class, without what is behind it; of the pane itself for ""."""
        style = self._styles.get(name)
        if style is None:
            if name:
                style = self.get_component_rich_style(name, partial=True, default=Style.null())
            else:
                style = self.rich_style
            self._styles[name] = style
        return style

    def notify_style_update(self) -> None:
        """The style sheet, the theme or the focus changed: nothing painted before is right any more."""
        super().notify_style_update()
        self._styles.clear()
        self._lines.clear()
        self._edges = None

    def on_resize(self, event: events.Resize) -> None:
        """Keep the end in sight when following, the first row otherwise."""
        self._edges = None
        self.top = self._last_top() if self.motion is Motion.FOLLOWING else min(self.top, self._last_top())

    def on_mount(self) -> None:
        """Show the state from the first picture on."""
        self._moved_state()

    def render_line(self, y: int) -> Strip:
        """An empty line: what Textual draws its frame around."""
        return Strip.blank(self.size.width, self.style_named(""))

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of a region of the pane, frame included."""
        width, height = self.outer_size
        gutter = self.gutter
        first, last = gutter.top, height - gutter.bottom
        lines: list[Strip] = []
        for y in range(crop.y, crop.bottom):
            if first <= y < last:
                line = self._inside(y - first, width, height, gutter)
            else:
                line = super().render_lines(Region(0, y, width, 1))[0]
            lines.append(line)
        if crop.x or crop.width != width:
            lines = [line.crop(crop.x, crop.right) for line in lines]
        return lines

    def _inside(self, y: int, width: int, height: int, gutter: Spacing) -> Strip:
        index = self.top + y
        shown = index < self.shown_count and y < self.rows_height
        key = self.row_key(index) if shown else None
        mark = 0 if index != self.cursor or not shown else 2 if self.has_focus else 1
        look = (mark, self._bar(y), self.left, width)
        known = self._lines.get(key)
        if known is not None and known[0] == look:
            return known[1]
        line = self._frame(self._paint(index, mark) if shown else None, y, width, gutter)
        self._lines.set(key, (look, line))
        return line

    def _paint(self, index: int, mark: int) -> Strip:
        width = self.rows_width
        text = self.row(index, width)
        limit = self.left + 4 * width + 64  # a row of a megabyte costs no more than what is seen of it
        if len(text) > limit:
            text = text[:limit]
        plain = text.plain
        if "\n" in plain or "\t" in plain:
            plain = safe_line(plain)
        text = Text(
            plain,
            spans=[
                Span(start, end, self.style_named(style) if isinstance(style, str) else style)
                for start, end, style in text.spans
            ],
        )
        if self.search is not None:
            needle, folded = self.search.needle.casefold(), plain.casefold()
            if len(folded) == len(plain):
                at = folded.find(needle)
                while at >= 0:
                    text.stylize(self.style_named("pane--match"), at, at + len(needle))
                    at = folded.find(needle, at + len(needle))
        base = self.style_named("")
        segments = [
            Segment(steady(piece), base + style if style else base)
            for piece, style, control in text.render(self.app.console)
            if not control and piece
        ]
        if mark:
            segments.append(Segment(" " * width, base))
            style = self.style_named("pane--cursor" if mark == 2 else "pane--cursor-blurred")
            segments = list(Segment.apply_style(segments, post_style=style))
        return Strip(segments).crop(self.left, self.left + width)

    def _frame(self, row: Strip | None, y: int, width: int, gutter: Spacing) -> Strip:
        base = self.style_named("")
        cells = self.rows_width
        row = Strip.blank(cells, base) if row is None else row.adjust_cell_length(cells, base)
        line = Strip([*row, self._bar_segment(y)], cells + 1)
        background = self.background_colors[1]
        for line_filter in self.get_line_filters():
            line = line.apply_filter(line_filter, background)
        left, right = self._frame_edges(width, gutter)
        return Strip.join([left, line, right])

    def _frame_edges(self, width: int, gutter: Spacing) -> tuple[Strip, Strip]:
        size = (width, gutter.top)
        if self._edges is None or self._edges_for != size:
            empty = super().render_lines(Region(0, gutter.top, width, 1))[0]
            self._edges = (empty.crop(0, gutter.left), empty.crop(width - gutter.right, width))
            self._edges_for = size
        return self._edges

    def _bar(self, y: int) -> int:
        """Whether the scroll bar has its thumb (2), its track (1) or nothing (0) at this line."""
        count, height = self.shown_count, self.rows_height
        if count <= height or y >= height:
            return 0
        size = max(1, height * height // count)
        start = round(self.top * (height - size) / (count - height))
        return 2 if start <= y < start + size else 1

    def _bar_segment(self, y: int) -> Segment:
        part = self._bar(y)
        if not part:
            return Segment(" ", self.style_named(""))
        style = self.style_named("") + self.style_named("pane--thumb" if part == 2 else "pane--track")
        return Segment("\u2588" if part == 2 else "\u2502", style)

    def _forget(self, index: int) -> None:
        self._lines.discard(self.row_key(index))

    def _repaint_rows(self, first: int, last: int) -> None:
        first = max(first, self.top)
        last = min(last, self.top + self.rows_height)
        if first < last:
            self.refresh(Region(0, first - self.top, self.size.width, last - first))

    def _dress(self) -> None:
        title, words = self.title_words(), self.state_words()
        if title != self._title:
            self._title = title
            self.border_title = Content(safe_line(title)) if title else None
        if words != self._subtitle:
            self._subtitle = words
            self.border_subtitle = Content(safe_line(words)) if words else None
