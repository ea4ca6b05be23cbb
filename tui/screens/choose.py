"""A dialog of a few choices: what happened, what each choice does and costs, the safest working one first.

Digits mark, Enter takes the marked one, escape changes nothing: an Enter that follows a digit by habit stays
in the dialog. A choice that will fail is shown with its reason instead of being hidden. The texts come from
us or are made safe here; never markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from sessions import redact
from sessions.safe import safe, safe_line
from tui import keys

_ROW_CELLS = 86  # of a dialog at its widest
_FRAME_CELLS = 12  # of its frame, and of digit and gaps


class Choice(NamedTuple):
    """One line to choose."""

    key: str  #: what the dialog returns
    title: str
    note: str = ""  #: what it does and costs
    is_working: bool = True  #: False: shown with its reason, dimmed


class Choose(ModalScreen[str]):
    """Ask for one of a few; gives the choice's key, "" when nothing was chosen."""

    CSS_PATH = "dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.Where.DIALOG)]

    def __init__(self, title: str, choices: Sequence[Choice], about: str = "", foot: str = "") -> None:
        super().__init__()
        self._title = safe_line(title)
        self._choices = tuple(choices)
        self._about = safe(redact.screen(about))
        self._foot = foot or "1-9 mark   Enter go   esc back"

    def compose(self) -> ComposeResult:
        """A frame with the words above and the choices below."""
        with Vertical(classes="dialog") as frame:
            frame.border_title = Content(self._title)
            frame.border_subtitle = Content(self._foot)
            if self._about:
                yield Static(Content(self._about), markup=False, classes="about")
            width = max((cell_len(_shown(choice.title, 90)) for choice in self._choices), default=0)
            room = min(_ROW_CELLS, self.app.size.width * 9 // 10 - _FRAME_CELLS)
            is_stacked = any(
                width + cell_len(_shown(choice.note, 240)) > room for choice in self._choices if choice.note
            )
            rows = (
                self._row(n, choice, 0 if is_stacked else width) for n, choice in enumerate(self._choices, 1)
            )
            yield OptionList(*(Option(row) for row in rows))

    def _row(self, number: int, choice: Choice, width: int) -> Table:
        """Digit, title and note, each in its own column; the note below the title where `width` is 0."""
        digit = f"{number}" if number <= 9 else " "
        title = Text(_shown(choice.title, 90), "bold" if choice.is_working else "dim")
        note = Text(_shown(choice.note, 240), "dim" if choice.is_working else "dim italic")
        row = Table.grid(padding=(0, 1, 0, 0))
        row.add_column(width=1)
        if width:
            row.add_column(width=width + 1)
            row.add_column()
            row.add_row(digit, title, note)
            return row
        row.add_column()
        row.add_row(digit, title)
        if choice.note:
            row.add_row("", Padding(note, (0, 0, 0, 2)))
        return row

    def on_mount(self) -> None:
        """The safest working choice is marked."""
        options = self.query_one(OptionList)
        working = [n for n, choice in enumerate(self._choices) if choice.is_working]
        options.highlighted = working[0] if working else 0
        options.focus()

    def on_key(self, event: events.Key) -> None:
        """Digits mark a choice; j and k move as everywhere."""
        options = self.query_one(OptionList)
        if event.character in ("j", "k"):
            event.stop()
            if event.character == "j":
                options.action_cursor_down()
            else:
                options.action_cursor_up()
        elif event.character and event.character in "123456789":
            event.stop()
            index = int(event.character) - 1
            if index < len(self._choices):
                options.highlighted = index

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._choices[event.option_index].key)

    def action_accept(self) -> None:
        """Take the marked one."""
        highlighted = self.query_one(OptionList).highlighted
        if highlighted is not None:
            self.dismiss(self._choices[highlighted].key)

    def action_close(self) -> None:
        """Choose nothing."""
        self.dismiss("")


def _shown(text: str, length: int) -> str:
    return safe_line(redact.screen(text), length)
