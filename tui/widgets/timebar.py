"""The time bar: one line above the footer that says where the playhead stands; a click moves it.

It paints what `tui.timeline` says and remembers only where it put the bar. It moves nothing itself.
"""

from __future__ import annotations

from typing import ClassVar

from rich.text import Span, Text
from textual import events
from textual.message import Message
from textual.widget import Widget

from sessions.playback import Playback
from tui.shades import shade
from tui.timeline import time_line


class TimeBar(Widget):
    """One line of time."""

    ALLOW_SELECT: ClassVar[bool] = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "timebar--paused", "timebar--playing", "timebar--live", "timebar--loading", "timebar--dim",
        "timebar--played", "timebar--rest", "timebar--head", "timebar--error",
    }  # fmt: skip

    class Sought(Message):
        """The person clicked into the bar; `share` of the whole time lies before that place."""

        def __init__(self, share: float) -> None:
            self.share = share
            super().__init__()

    def __init__(self, playback: Playback) -> None:
        super().__init__()
        self._playback = playback
        self._bar = (0, 0)

    def render(self) -> Text:
        """The line."""
        text, start, cells = time_line(self._playback, self.size.width)
        self._bar = (start, cells)
        spans = [
            Span(first, last, shade(self, style) if isinstance(style, str) and style else style)
            for first, last, style in text.spans
        ]
        return Text(text.plain, spans=spans, no_wrap=True, end="")

    def on_click(self, event: events.Click) -> None:
        """Say where the pointer is, when it is on the bar."""
        start, cells = self._bar
        if cells and start <= event.x < start + cells:
            event.stop()
            self.post_message(self.Sought((event.x - start) / max(1, cells - 1)))
