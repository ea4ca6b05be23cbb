"""A canvas: rows painted from an own integer offset, with a scroll bar as their last cell.

Its one rule: painting costs what is in sight, however many rows there are: no row is kept, only a bounded
cache of painted lines, and nothing that grows touches the layout. Textual draws the frame (border, titles,
padding) from the style sheet; the inside is drawn here. It knows no keys and moves only when told.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Span, Text
from textual.cache import LRUCache
from textual.content import Content
from textual.geometry import Region, Spacing
from textual.strip import Strip
from textual.widget import Widget

from sessions.safe import safe_line
from tui.cells import steady
from tui.shades import shade

CACHED_LINES = 1024


class Canvas(Widget):
    """Painted rows: a subclass gives `row_count` and `row`.

    Styles in a row's text are names of component classes (`"pane--client"`); the style sheet owns colours.
    """

    HEAD_LINES: ClassVar[int] = 0  #: lines above the rows that do not scroll
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

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.top = 0  #: the row painted first
        self.left = 0  #: cells of long rows that are out of sight at the left
        self.cursor = -1  #: the selected row; -1 until one is
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

    def head(self, line: int, width: int) -> Text:
        """One of the `HEAD_LINES` lines that stay above the rows."""
        return Text("")

    def title_words(self) -> str:
        """What the upper border says."""
        return ""

    def state_words(self) -> str:
        """What the lower border says."""
        return ""

    def needle(self) -> str:
        """The text to mark wherever it is in sight; "" for none."""
        return ""

    # Rows in sight -----------------------------------------------------------------------------------

    @property
    def shown_count(self) -> int:
        """Rows that can be seen now."""
        return self.row_count()

    @property
    def rows_height(self) -> int:
        """How many rows fit."""
        return max(0, self.size.height - self.HEAD_LINES)

    @property
    def rows_width(self) -> int:
        """How many cells a row has; the last cell of the pane is its scroll bar."""
        return max(0, self.size.width - 1)

    @property
    def last_top(self) -> int:
        """The first row in sight when the last one is."""
        return max(0, self.shown_count - self.rows_height)

    def is_in_sight(self, index: int) -> bool:
        """Whether this row is painted now."""
        return self.top <= index < self.top + self.rows_height

    def settle(self) -> None:
        """The height changed: keep the first row where it is, as far as there are rows."""
        self.top = min(self.top, self.last_top)

    def scroll_rows_to(self, top: int) -> None:
        """Paint from this row on, as far as there are rows."""
        top = max(0, min(top, self.last_top))
        if top != self.top:
            self.top = top
            self.refresh()

    def shift_to(self, left: int) -> None:
        """Leave so many cells of each row out of sight at the left."""
        left = max(0, left)
        if left != self.left:
            self.left = left
            self.refresh()

    def repaint_rows(self, first: int, last: int) -> None:
        """Paint the rows from `first` up to `last` again, as far as they are in sight."""
        first = max(first, self.top)
        last = min(last, self.top + self.rows_height)
        if first < last:
            self.refresh(Region(0, self.HEAD_LINES + first - self.top, self.size.width, last - first))

    def forget_rows(self, first: int, last: int) -> None:
        """Drop what was painted of these rows, because they read differently now."""
        for index in range(max(first, self.top), min(last, self.top + self.rows_height)):
            self._lines.discard(self.row_key(index))

    def forget_lines(self) -> None:
        """Drop everything that was painted."""
        self._lines.clear()

    def dress(self) -> None:
        """Write the words of both borders again where they changed."""
        title, words = self.title_words(), self.state_words()
        if title != self._title:
            self._title = title
            self.border_title = Content(safe_line(title)) if title else None
        if words != self._subtitle:
            self._subtitle = words
            self.border_subtitle = Content(safe_line(words)) if words else None

    # Painting ----------------------------------------------------------------------------------------

    def style_named(self, name: str) -> Style:
        """The style of a component class, without what is behind it; of the pane itself for ""."""
        style = self._styles.get(name)
        if style is None:
            style = shade(self, name) if name else self.rich_style
            self._styles[name] = style
        return style

    def notify_style_update(self) -> None:
        """The style sheet, the theme or the focus changed: nothing painted before is right any more."""
        super().notify_style_update()
        self._styles.clear()
        self._lines.clear()
        self._edges = None

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
                line = self._inside(y - first, width, gutter)
            else:
                line = super().render_lines(Region(0, y, width, 1))[0]
            lines.append(line)
        if crop.x or crop.width != width:
            lines = [line.crop(crop.x, crop.right) for line in lines]
        return lines

    def _inside(self, y: int, width: int, gutter: Spacing) -> Strip:
        if y < self.HEAD_LINES:
            text = self.head(y, self.rows_width)
            return self._frame(self._strip(text, 0, 0), 0, width, gutter)
        y -= self.HEAD_LINES
        index = self.top + y
        is_row = index < self.shown_count and y < self.rows_height
        key = self.row_key(index) if is_row else None
        mark = 0 if index != self.cursor or not is_row else 2 if self.has_focus else 1
        bar = self._bar(y)
        look = (mark, bar, self.left, width)
        known = self._lines.get(key)
        if known is not None and known[0] == look:
            return known[1]
        row = self._strip(self.row(index, self.rows_width), self.left, mark) if is_row else None
        line = self._frame(row, bar, width, gutter)
        self._lines.set(key, (look, line))
        return line

    def _strip(self, text: Text, left: int, mark: int) -> Strip:
        width = self.rows_width
        limit = left + 4 * width + 64  # a row of a megabyte costs no more than what is seen of it
        if len(text) > limit:
            text = text[:limit]
        plain = text.plain
        if "\n" in plain or "\t" in plain:
            plain = safe_line(plain)
        spans = [Span(0, len(plain), text.style), *text.spans] if text.style else text.spans
        text = Text(
            plain,
            spans=[
                Span(start, end, self.style_named(style) if isinstance(style, str) else style)
                for start, end, style in spans
            ],
        )
        if needle := self.needle().casefold():
            folded = plain.casefold()
            if len(folded) == len(plain):
                at = folded.find(needle)
                while at >= 0:
                    text.stylize(self.style_named("pane--match"), at, at + len(needle))
                    at = folded.find(needle, at + len(needle))
        base = self.style_named("")
        segments = _in_a_row(plain, text.spans, base)
        if segments is None:
            segments = [
                Segment(steady(piece), base + style if style else base)
                for piece, style, control in text.render(self.app.console)
                if not control and piece
            ]
        if mark:
            segments.append(Segment(" " * width, base))
            style = self.style_named("pane--cursor" if mark == 2 else "pane--cursor-blurred")
            found = self.style_named("pane--match").bgcolor if self.needle() else None
            segments = [
                # a match stays marked under the cursor
                one if found and one.style and one.style.bgcolor == found else _styled(one, style)
                for one in segments
            ]
        return Strip(segments).crop(left, left + width)

    def _frame(self, row: Strip | None, bar: int, width: int, gutter: Spacing) -> Strip:
        base = self.style_named("")
        cells = self.rows_width
        row = Strip.blank(cells, base) if row is None else row.adjust_cell_length(cells, base)
        line = Strip([*row, self._bar_segment(bar)], cells + 1)
        background = self.background_colors[1]
        for line_filter in self.get_line_filters():
            line = line.apply_filter(line_filter, background)
        left, right = self._frame_edges(width, gutter)
        return Strip.join([left, line, right])

    def _frame_edges(self, width: int, gutter: Spacing) -> tuple[Strip, Strip]:
        size = (width, gutter.top)
        if self._edges is None or self._edges_for != size:
            # the frame at both sides of an empty line, cut from what Textual draws
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

    def _bar_segment(self, bar: int) -> Segment:
        if not bar:
            return Segment(" ", self.style_named(""))
        style = self.style_named("") + self.style_named("pane--thumb" if bar == 2 else "pane--track")
        return Segment("\u2588" if bar == 2 else "\u2502", style)


def _styled(segment: Segment, style: Style) -> Segment:
    return Segment(segment.text, segment.style + style if segment.style else style)


def _in_a_row(plain: str, spans: list[Span], base: Style) -> list[Segment] | None:
    """Segments of spans that stand one after another, far cheaper than in general; None when they overlap."""
    segments: list[Segment] = []
    at = 0
    for start, end, style in spans:
        if start < at:
            return None
        if start > at:
            segments.append(Segment(steady(plain[at:start]), base))
        if end > start and isinstance(style, Style):
            segments.append(Segment(steady(plain[start:end]), base + style))
            at = min(end, len(plain))
    if at < len(plain):
        segments.append(Segment(steady(plain[at:]), base))
    return segments
