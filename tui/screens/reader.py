"""A dialog that shows one longer text to be read: the exact frame before it goes out, a report, the help.

Plain text only, made safe at the door; long texts scroll.
"""

from __future__ import annotations

import re
from typing import ClassVar

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from sessions import redact
from sessions.safe import safe, safe_line
from tui import keys

_SHOWN_CHARACTERS = 200_000  # beyond it laying out plain text takes longer than a key may wait
_GAP = re.compile(r"^ +| {2,}")


class Hanging:
    """A text whose lines, where they are wrapped, go on below their own words: below the last column."""

    def __init__(self, text: Content) -> None:
        self._text = Text(text.plain)
        for span in text.spans:
            style = span.style if isinstance(span.style, str) else span.style.rich_style
            self._text.stylize(style, span.start, span.end)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The lines, wrapped to the room there is."""
        for line in self._text.split("\n", allow_blank=True):
            if line.cell_len <= options.max_width:
                yield line
                continue
            column = _column(line.plain, options.max_width * 3 // 5)
            head, rest = line.divide([column]) if column else (Text(), line)
            wrapped = rest.wrap(console, options.max_width - column, no_wrap=False)
            for number, part in enumerate(wrapped):
                part.rstrip()
                yield (head if not number else Text(" " * column)) + part


def _column(line: str, most: int) -> int:
    """Where the last column of a line begins, after a gap or its indent; 0 for none up to `most`."""
    return max((gap.end() for gap in _GAP.finditer(line) if gap.end() <= most), default=0)


class Reader(ModalScreen[bool]):
    """Show a text; gives True when the person accepted what the foot offers."""

    CSS_PATH = "dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *keys.bindings(keys.Where.DIALOG, keys.Where.READING),
    ]

    def __init__(self, title: str, text: str | Content, foot: str = "esc back") -> None:
        super().__init__()
        self._title = safe_line(title)
        if isinstance(text, str):
            cut = text[:_SHOWN_CHARACTERS]
            if len(text) > len(cut):
                cut += f"\n… {len(text) - len(cut):,} more characters; they are in the frame"
            text = Content(safe(redact.screen(cut)))
        self._text = text
        self._foot = foot

    def compose(self) -> ComposeResult:
        """A frame around the text."""
        with Vertical(classes="dialog reader") as frame:
            frame.border_title = Content(self._title)
            frame.border_subtitle = Content(self._foot)
            with VerticalScroll():
                yield Static(Hanging(self._text), markup=False)

    def action_scroll_text_down(self) -> None:
        """One line down."""
        self.query_one(VerticalScroll).scroll_down(animate=False)

    def action_scroll_text_up(self) -> None:
        """One line up."""
        self.query_one(VerticalScroll).scroll_up(animate=False)

    def action_accept(self) -> None:
        """Accept what the foot offers."""
        self.dismiss(True)

    def action_close(self) -> None:
        """Close, change nothing."""
        self.dismiss(False)
