"""The app that the screen is measured against: two stock ScrollViews and an Input, fed by the same pipeline.

What a careful author writes with the toolkit's own parts: rows are the same rows, made when they are seen and
kept; text is wrapped by the same code; what came is drained at the same pace. Only the widgets differ: a
`virtual_size` that grows, `scroll_end`, `render_line`.
"""

from __future__ import annotations

import json
import sys
from typing import ClassVar

from rich.style import Style
from rich.text import Span, Text
from textual.app import App, ComposeResult
from textual.cache import LRUCache
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Input

from sessions.inspector import Inspector
from sessions.recording import Recording
from sessions.secret import Secret
from sessions.summary import summarize
from sessions.wire.connect import connect
from sessions.wire.endpoint import derive
from sessions.wire.plan import Plan
from tui.feed import FRAME_SECONDS
from tui.rows import Clock, columns, row_text
from tui.wrap import Wrapped

_KEPT = 1024
_COLOURS = {
    "client": "$primary", "server": "$secondary", "local": "$accent", "dim": "$text-muted", "strong": "$text",
    "good": "$success", "warning": "$warning", "error": "$error",
}  # fmt: skip


class Rows(ScrollView):
    """Growing rows that follow their end."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"pane--{name}" for name in _COLOURS}

    def __init__(self, inspector: Inspector) -> None:
        super().__init__()
        self.inspector = inspector
        self._strips: LRUCache[int, Strip] = LRUCache(_KEPT)
        self._styles: dict[str, Style] = {}

    def grow(self, count: int, changed: int) -> None:
        """There are so many rows now, others from `changed` on; go to the end."""
        for row in range(changed, self.virtual_size.height):
            self._strips.discard(row)
        self.virtual_size = Size(self.size.width, count)
        self.scroll_end(animate=False)

    def row(self, index: int) -> Text:
        """One row."""
        raise NotImplementedError

    def render_line(self, y: int) -> Strip:
        index = y + self.scroll_offset.y
        if index >= self.virtual_size.height:
            return Strip.blank(self.size.width, self.rich_style)
        strip = self._strips.get(index)
        if strip is None:
            text = self.row(index)
            text.spans = [Span(start, end, self._style(str(name))) for start, end, name in text.spans]
            strip = Strip(text.render(self.app.console)).adjust_cell_length(self.size.width, self.rich_style)
            strip = strip.apply_style(self.rich_style)
            self._strips.set(index, strip)
        return strip

    def _style(self, name: str) -> Style:
        style = self._styles.get(name)
        if style is None:
            style = self._styles[name] = self.get_component_rich_style(name, partial=True)
        return style


class EventRows(Rows):
    """One row an event."""

    def row(self, index: int) -> Text:
        recording = self.inspector.recording
        at = columns(self.size.width, len(str(len(recording))))
        return row_text(summarize(recording, self.inspector.sessions, index), at, Clock.TURN)


class TextRows(Rows):
    """The answer's text."""

    wrapped: Wrapped | None = None

    def row(self, index: int) -> Text:
        return Text(self.wrapped.text(index) if self.wrapped is not None else "")

    def wrap(self) -> None:
        """Take in what came."""
        sessions = self.inspector.sessions
        response = sessions.turns[0].response if sessions.turns else None
        if response is None or not response.items:
            return
        if self.wrapped is None:
            self.wrapped = Wrapped(response.items[0].part("output_text", 0).text, self.size.width - 2)
        before = len(self.wrapped)
        self.wrapped.update()
        self.grow(len(self.wrapped), before - 1)


class Stock(App[None]):
    """Two ScrollViews and a box to type in."""

    CSS = "Rows { height: 1fr; } Input { height: 3; }" + "".join(
        f"Rows > .pane--{name} {{ color: {colour}; }}" for name, colour in _COLOURS.items()
    )

    def __init__(self, base_url: str, create: str) -> None:
        super().__init__()
        self._create = create
        self._live = connect(Plan(derive(base_url), key=Secret("sk-bench"), compression=False))
        self._inspector = Inspector(Recording.create(None))
        self._follower = self._inspector.follow()

    def compose(self) -> ComposeResult:
        yield TextRows(self._inspector)
        yield EventRows(self._inspector)
        yield Input(placeholder="stock-ready")

    async def on_mount(self) -> None:
        """Connect, send, and drain at the frame rate."""
        self.query_one(Input).focus()
        self.run_worker(self._inspector.run(self._live))
        await self._live.opened()
        await self._live.send(self._create)
        self.set_interval(FRAME_SECONDS, self._drain)

    def _drain(self) -> None:
        batch = self._follower.take()
        if batch.first != batch.last:
            self.query_one(EventRows).grow(batch.last, batch.last)
            self.query_one(TextRows).wrap()


if __name__ == "__main__":
    body = {"type": "response.create", "model": "bench", "input": sys.argv[2], "store": False}
    Stock(sys.argv[1], json.dumps(body)).run()
