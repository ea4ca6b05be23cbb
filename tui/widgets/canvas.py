"""A canvas: rows painted from an own integer offset, with a scroll bar as their last cell.

Its one rule: painting costs what is in sight, however many rows there are: no row is kept, only a bounded
cache of painted lines, and nothing that grows touches the layout. Textual draws the frame (border, titles,
padding) from the style sheet; the inside is drawn here. It knows no keys and moves only when told.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar, NamedTuple, Self

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


class _View(NamedTuple):
    """What all lines of one painting share; asking the layout for it on each would cost most of the time."""

    width: int  #: cells, frame included
    cells: int  #: of a row, without the scroll bar
    rows: int  #: that fit
    total: int  #: rows that there are
    gutter: Spacing
    thumb: range  #: the lines on which the scroll bar has its thumb
    has_focus: bool


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
        self._filtered: dict[Style | None, Style] = {}
        self._edges: tuple[Strip, Strip] | None = None
        self._edges_for: tuple[int, int] = (0, 0)
        self._title = self._subtitle = ""
        self._picture: dict[int, Strip] = {}  # lines as they were painted, frame included
        self._picture_for: tuple[object, ...] = ()

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
            self.repaint_inside()

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

    def repaint_inside(self) -> None:
        """Paint all rows again; the frame around them says what it said."""
        self.refresh(Region(0, 0, *self.size))

    def forget_rows(self, first: int, last: int) -> None:
        """Drop what was painted of these rows, because they read differently now."""
        for index in range(max(first, self.top), min(last, self.top + self.rows_height)):
            self._lines.discard(self.row_key(index))
            self._picture.pop(self.gutter.top + self.HEAD_LINES + index - self.top, None)

    def forget_lines(self) -> None:
        """Drop everything that was painted."""
        self._lines.clear()
        self._picture.clear()

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
        self._filtered.clear()
        self._lines.clear()
        self._picture.clear()
        self._edges = None

    def render_line(self, y: int) -> Strip:
        """An empty line: what Textual draws its frame around."""
        return Strip.blank(self.size.width, self.style_named(""))

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        """Paint the whole pane again, or these regions of its inside."""
        if repaint and not regions:
            self._picture.clear()
        elif repaint and self._picture:
            top = self.gutter.top
            for region in regions:
                for y in range(region.y + top, region.bottom + top):
                    self._picture.pop(y, None)
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of a region of the pane, frame included.

        Textual asks every widget for all of its lines whenever anything is painted anywhere, a key in
        another widget too: what was not refreshed since is given as it was.
        """
        width, height = self.outer_size
        look = (width, height, self.top, self.left, self.cursor, self.has_focus)
        picture = self._picture
        if look != self._picture_for:
            top, bottom = picture.get(0), picture.get(height - 1)
            is_moved = (
                self.gutter.top and look[:2] + look[5:] == self._picture_for[:2] + self._picture_for[5:]
            )
            picture.clear()
            if is_moved and top is not None and bottom is not None:
                picture[0], picture[height - 1] = top, bottom
            self._picture_for = look
        view: _View | None = None
        lines: list[Strip] = []
        for y in range(crop.y, crop.bottom):
            line = picture.get(y)
            if line is None:
                view = view or self._view()
                gutter = view.gutter
                if gutter.top <= y < height - gutter.bottom:
                    line = self._inside(y - gutter.top, view)
                else:
                    line = super().render_lines(Region(0, y, width, 1))[0]
                picture[y] = line
            lines.append(line)
        if crop.x or crop.width != width:
            lines = [line.crop(crop.x, crop.right) for line in lines]
        return lines

    def _view(self) -> _View:
        count, rows = self.shown_count, self.rows_height
        thumb = range(0)
        if count > rows:
            size = max(1, rows * rows // count)
            start = round(self.top * (rows - size) / (count - rows))
            thumb = range(start, start + size)
        return _View(self.outer_size.width, self.rows_width, rows, count, self.gutter, thumb, self.has_focus)

    def _inside(self, y: int, view: _View) -> Strip:
        if y < self.HEAD_LINES:
            text = self.head(y, view.cells)
            return self._frame(self._strip(text, 0, 0, view), 0, view)
        y -= self.HEAD_LINES
        index = self.top + y
        is_row = index < view.total and y < view.rows
        key = self.row_key(index) if is_row else None
        mark = 0 if index != self.cursor or not is_row else 2 if view.has_focus else 1
        bar = 0 if view.total <= view.rows or y >= view.rows else 2 if y in view.thumb else 1
        look = (mark, bar, self.left, view.width)
        known = self._lines.get(key)
        if known is not None and known[0] == look:
            return known[1]
        row = self._strip(self.row(index, view.cells), self.left, mark, view) if is_row else []
        line = self._frame(row, bar, view)
        self._lines.set(key, (look, line))
        return line

    def _strip(self, text: Text, left: int, mark: int, view: _View) -> list[Segment]:
        width = view.cells
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
        return segments if not left else list(Strip(segments).crop(left, left + width))

    def _frame(self, row: list[Segment], bar: int, view: _View) -> Strip:
        base = self.style_named("")
        cells = view.cells
        used = sum(segment.cell_length for segment in row)
        if used > cells:
            row = list(Strip(row, used).crop(0, cells))
        elif used < cells:
            row.append(Segment(" " * (cells - used), base))
        left, right = self._frame_edges(view.width, view.gutter)
        row.append(self._bar_segment(bar))
        filtered = self._filtered
        inside = [Segment(text, filtered.get(style) or self._filter(style)) for text, style, _ in row]
        return Strip([*left, *inside, *right], view.width)

    def _filter(self, style: Style | None) -> Style | None:
        """A style as Textual's filters (no colours, dimmed, for a terminal's own palette) leave it."""
        segments = [Segment(" ", style)]
        for line_filter in self.get_line_filters():
            segments = line_filter.apply(segments, self.background_colors[1])
        if segments[0].style is not None:
            self._filtered[style] = segments[0].style
        return segments[0].style

    def _frame_edges(self, width: int, gutter: Spacing) -> tuple[Strip, Strip]:
        size = (width, gutter.top)
        if self._edges is None or self._edges_for != size:
            # the frame at both sides of an empty line, cut from what Textual draws
            empty = super().render_lines(Region(0, gutter.top, width, 1))[0]
            self._edges = (empty.crop(0, gutter.left), empty.crop(width - gutter.right, width))
            self._edges_for = size
        return self._edges

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
