"""Which of the recordings that grow now is meant: a choice before the first picture of one.

Its one rule: nothing is opened before somebody has chosen; choosing nothing leaves.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from tui.figures import bytes_words, seconds_words
from tui.screens.choose import Choice, Choose

_LISTED = 9  # each has a digit


class Which(Screen[None]):
    """Ask which recording to look at, the newest first."""

    AUTO_FOCUS = ""

    def __init__(self, found: Sequence[Path], look: Callable[[Path], Screen[Any]]) -> None:
        """`look` makes the screen of the chosen one."""
        super().__init__()
        self._found = tuple(found)
        self._look = look

    def compose(self) -> ComposeResult:
        """One line behind the choice."""
        yield Static(Content(" turnscope   attach"), markup=False, id="opening")

    def on_mount(self) -> None:
        """Ask at once."""
        now = time.time()
        choices = [Choice(str(path), path.name, note(path, now)) for path in self._found[:_LISTED]]
        hidden = len(self._found) - len(choices)
        about = f"{hidden} older ones are not listed: turnscope attach FILE" if hidden > 0 else ""
        title = f"{len(self._found)} recordings grow now"
        self.app.push_screen(Choose(title, choices, about, "1-9 mark   Enter look   esc leave"), self._chosen)

    def _chosen(self, name: str | None) -> None:
        if name:
            self.app.push_screen(self._look(Path(name)))
        else:
            self.app.exit()


def note(path: Path, now: float) -> str:
    """How large a recording is and when it was last written to; `now` is seconds since the epoch."""
    try:
        found = os.stat(path)
    except OSError:
        return "gone"
    return f"{bytes_words(found.st_size)}, written {seconds_words(max(0.0, now - found.st_mtime))} ago"
