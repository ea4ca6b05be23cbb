"""A line at the foot of a pane where something is typed: what to find, what to filter.

It is there only while it is used; enter keeps what was typed, esc takes it back. It decides nothing.
"""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from tui.widgets.writing import Line


class Prompt(Line):
    """One line of typing with a word in front that says what for."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape", "give_up", "Cancel", show=False, id="prompt.cancel", tooltip="Take back what was typed"
        )
    ]

    class GivenUp(Message):
        """Esc was pressed: what was typed is taken back."""

        def __init__(self, prompt: Prompt) -> None:
            self.prompt = prompt
            super().__init__()

        @property
        def control(self) -> Prompt:
            """The prompt that was left."""
            return self.prompt

    def __init__(self, purpose: str, value: str = "", *, placeholder: str = "") -> None:
        super().__init__(value, placeholder=placeholder or purpose, compact=True, select_on_focus=False)
        self.purpose = purpose  #: "find" or "filter"

    def action_give_up(self) -> None:
        """Leave without keeping what was typed."""
        self.post_message(self.GivenUp(self))
