"""A dialog of one line to fill in: a name, an address, a path. Empty is an answer; escape is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from sessions.safe import safe, safe_line
from tui import keys
from tui.widgets.writing import Line


class Ask(ModalScreen[str | None]):
    """Ask for one line; gives None when the person left it.

    `refuse` says in a sentence why a text is not taken, "" when it is.
    """

    CSS_PATH = "dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.Where.DIALOG)]

    def __init__(
        self, title: str, value: str = "", about: str = "", refuse: Callable[[str], str] | None = None
    ) -> None:
        super().__init__()
        self._title = safe_line(title)
        self._value = safe_line(value)
        self._about = safe(about)
        self._refuse = refuse

    def compose(self) -> ComposeResult:
        """A frame with the words, the line and room for an objection."""
        with Vertical(classes="dialog") as frame:
            frame.border_title = Content(self._title)
            frame.border_subtitle = Content("Enter take it   esc back")
            if self._about:
                yield Static(Content(self._about), markup=False, classes="about")
            yield Line(self._value)
            yield Static("", markup=False, classes="objection")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._take(event.value)

    def _take(self, text: str) -> None:
        objection = self._refuse(text) if self._refuse else ""
        if objection:
            self.query_one(".objection", Static).update(Content(safe(objection)))
        else:
            self.dismiss(text)

    def action_accept(self) -> None:
        """Take what stands on the line."""
        self._take(self.query_one(Input).value)

    def action_close(self) -> None:
        """Take nothing."""
        self.dismiss(None)
