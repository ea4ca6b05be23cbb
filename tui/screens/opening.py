"""The first picture of a session: it stands while settings, client and server are loaded behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from sessions.errors import SessionsError
from sessions.safe import safe

Ready = Callable[[], Screen[Any]]


class Opening(Screen[None]):
    """One line, replaced by the session as soon as it can be shown."""

    AUTO_FOCUS = ""

    def __init__(self, words: str, prepare: Callable[[], Ready]) -> None:
        """`prepare` runs off the loop and gives what makes the session's screen on it."""
        super().__init__()
        self._words = words
        self._prepare = prepare

    def compose(self) -> ComposeResult:
        """The line."""
        yield Static(Content(f" turnscope   {self._words}"), markup=False, id="opening")

    def on_mount(self) -> None:
        """Load once the picture stands."""
        self.call_after_refresh(lambda: self.run_worker(self._load(), group="opening"))

    async def _load(self) -> None:
        try:
            ready = await asyncio.to_thread(self._prepare)
            screen = ready()
        except SessionsError as error:
            self.query_one("#opening", Static).update(
                Content(safe(f" turnscope cannot begin\n\n {error}\n\n ctrl+q leaves"))
            )
            return
        except OSError as error:
            self.query_one("#opening", Static).update(
                Content(safe(f" turnscope cannot begin: {error}\n\n ctrl+q leaves"))
            )
            return
        self.app.push_screen(screen)
