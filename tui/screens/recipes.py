"""A dialog with the recipes of a tap: choose a client, read the exact text, copy it.

Nothing is run and no file of a client is changed.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList

from sessions.recipes import Recipe
from sessions.state import State
from tui import keys
from tui.widgets.recipe_book import RecipeBook


class Recipes(ModalScreen[Recipe | None]):
    """Show the recipes; gives the one to copy, None when none is wanted."""

    CSS_PATH: ClassVar[list[str | PurePath]] = ["dialog.tcss", "recipes.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.Where.DIALOG)]

    def __init__(self, state: State, shown_url: str, base_url: str = "") -> None:
        super().__init__()
        self._book = RecipeBook(shown_url, base_url)
        self._book.show_seen(state)

    def compose(self) -> ComposeResult:
        """A frame around the book."""
        with Vertical(classes="dialog recipes") as frame:
            frame.border_title = Content("point a client at this tap")
            frame.border_subtitle = Content("y copy   esc back")
            yield self._book

    def on_mount(self) -> None:
        """The list has the keys."""
        self.query_one(OptionList).focus()

    def show_seen(self, state: State) -> None:
        """Say which of the clients have opened a socket."""
        self._book.show_seen(state)

    @on(RecipeBook.Copied)
    def _copied(self, event: RecipeBook.Copied) -> None:
        event.stop()
        self.dismiss(event.recipe)

    def action_accept(self) -> None:
        """Copy the chosen one."""
        self.dismiss(self._book.chosen)

    def action_close(self) -> None:
        """Copy nothing."""
        self.dismiss(None)
