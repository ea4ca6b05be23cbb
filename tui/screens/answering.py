"""Answering tool calls by hand: all open calls of one turn, each with its form, sent in one frame.

What is half filled in is kept when the dialog closes. Nothing is answered by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import ContentSwitcher, Input, OptionList, Static
from textual.widgets.option_list import Option

from sessions import answers
from sessions.answers import HalfAnswer
from sessions.items import Item
from sessions.safe import safe, safe_line
from sessions.session import Turn
from tui import keys
from tui.widgets.tool_form import ToolForm
from tui.widgets.writing import Line


class Answered(NamedTuple):
    """What goes into the frame, and what was kept for later."""

    items: tuple[tuple[Item, dict[str, Any]], ...]
    text: str
    halves: tuple[HalfAnswer, ...] = ()


class Answering(ModalScreen[Answered]):
    """The open calls of a turn and their answers."""

    CSS_PATH = "dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *keys.bindings(keys.Where.DIALOG, keys.Where.ANSWERING),
    ]

    def __init__(
        self,
        turn: Turn,
        calls: Sequence[Item],
        tools: Sequence[Mapping[str, Any]],
        halves: Mapping[str, HalfAnswer],
    ) -> None:
        super().__init__()
        self._turn = turn
        self._calls = tuple(calls)
        self._tools = tuple(tools)
        self._halves = dict(halves)
        self._is_armed = False

    def compose(self) -> ComposeResult:
        """The calls above, the form of the chosen one below, one line of text that may go with them."""
        with Vertical(classes="dialog answering") as frame:
            count = f"{len(self._calls)} open" if len(self._calls) != 1 else "1 open"
            frame.border_title = Content(f"answer tool calls   {count} on T{self._turn.number}")
            step = "   pgup pgdn call" if len(self._calls) > 1 else ""
            frame.border_subtitle = Content(f"F5 send all   ctrl+t form/raw{step}   esc keep")
            if len(self._calls) > 1:
                yield OptionList(
                    *(Option(Content(safe_line(answers.title(item), 90))) for item in self._calls)
                )
            with ContentSwitcher(initial="call-0"):
                for number, item in enumerate(self._calls):
                    form = ToolForm(item, self._tools, self._halves.get(item.answer_id))
                    form.id = f"call-{number}"
                    yield form
            yield Line(
                placeholder="a message that goes with the answers; may stay empty", id="with", compact=True
            )
            yield Static("", markup=False, id="objection", classes="objection")

    def on_mount(self) -> None:
        """Begin with the first field."""
        self._form(0).focus_entry()

    def _form(self, number: int) -> ToolForm:
        return self.query_one(f"#call-{number}", ToolForm)

    @property
    def _shown(self) -> int:
        current = self.query_one(ContentSwitcher).current or "call-0"
        return int(current.partition("-")[2])

    def _show(self, number: int) -> None:
        self.query_one(ContentSwitcher).current = f"call-{number}"
        for options in self.query(OptionList):
            options.highlighted = number
            break

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_list.parent is self.query_one(".answering"):
            event.stop()
            self.query_one(ContentSwitcher).current = f"call-{event.option_index}"

    def action_next_call(self) -> None:
        """Show the next call."""
        self._step(1)

    def action_call_before(self) -> None:
        """Show the call before."""
        self._step(-1)

    def _step(self, step: int) -> None:
        number = (self._shown + step) % len(self._calls)
        self._show(number)
        self._form(number).focus_entry()

    def action_toggle_raw(self) -> None:
        """Fields or raw text for the shown call."""
        self._form(self._shown).toggle_raw()

    def action_accept(self) -> None:
        """Finish every answer; goes back to the first that is not one yet."""
        if self._turn.is_live:
            self._object(f"T{self._turn.number} is still running; press F5 again when it has ended.")
            return
        finished: list[tuple[Item, dict[str, Any]]] = []
        left_out: list[Item] = []
        for number, item in enumerate(self._calls):
            form = self._form(number)
            if not form.is_begun and item.type == "function_call":
                left_out.append(item)
                continue
            answer = form.finish()
            if answer is None:
                self._show(number)
                form.focus_entry()
                return
            finished.append((item, answer))
        if not finished:
            self._object('Nothing is answered yet. An empty output is an answer too: write "" in raw.')
            return
        if left_out and not self._is_armed:
            self._is_armed = True
            names = ", ".join(item.name or item.type for item in left_out)
            self._object(
                f"{names} would stay open, and the server may refuse; F5 once more sends all the same."
            )
            return
        self.dismiss(Answered(tuple(finished), self.query_one("#with", Input).value))

    def _object(self, sentence: str) -> None:
        self.query_one("#objection", Static).update(Content(safe(sentence)))

    def action_close(self) -> None:
        """Keep what is half filled in and close."""
        halves = tuple(form.half() for form in self.query(ToolForm) if form.is_begun)
        self.dismiss(Answered((), "", halves))
