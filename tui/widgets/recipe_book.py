"""Recipes: how to point clients at a tap, one below the other, and the exact text of the chosen one.

Its one rule: what is copied is the text exactly as it is to be run; what is shown has its token masked.
That a client has come stands as the word `seen` beside its recipe.
"""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from sessions.recipes import Recipe, arrival, recipes
from sessions.safe import safe
from sessions.state import State
from tui import keys
from tui.shades import shade

_SIGN_CELLS = 6


class RecipeBook(Vertical):
    """All recipes for one tap."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.Where.RECIPES)]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"recipes--seen", "recipes--waiting", "recipes--title"}

    class Copied(Message):
        """The person wants this recipe."""

        def __init__(self, recipe: Recipe) -> None:
            super().__init__()
            self.recipe = recipe

    def __init__(self, shown_url: str, base_url: str = "", *, id: str | None = None) -> None:
        """`shown_url` is what may be seen; `base_url` is what is copied, where it is known."""
        super().__init__(id=id)
        self._shown: tuple[Recipe, ...] = ()
        self._exact: tuple[Recipe, ...] = ()
        self._seen: frozenset[int] = frozenset()
        self._set(shown_url, base_url)

    def compose(self) -> ComposeResult:
        """The list above, the chosen text below."""
        yield OptionList()
        with VerticalScroll(can_focus=False):
            yield Static("", markup=False)

    def on_mount(self) -> None:
        """The first one is chosen."""
        self._write()

    def show_urls(self, shown_url: str, base_url: str = "") -> None:
        """The tap has been asked where it listens."""
        self._set(shown_url, base_url)
        if self.is_mounted:
            self._write()

    def show_seen(self, state: State) -> None:
        """Say which of the clients have opened a socket."""
        seen = frozenset(n for n, one in enumerate(self._shown) if arrival(one, state) is not None)
        if seen != self._seen:
            self._seen = seen
            if self.is_mounted:
                self._write()

    @property
    def chosen(self) -> Recipe:
        """The recipe under the cursor, as it is to be run."""
        return self._exact[self.query_one(OptionList).highlighted or 0]

    def action_copy_recipe(self) -> None:
        """Copy the chosen one."""
        self.post_message(self.Copied(self.chosen))

    def _set(self, shown_url: str, base_url: str) -> None:
        self._shown = recipes(shown_url)
        self._exact = recipes(base_url or shown_url)

    def _write(self) -> None:
        options = self.query_one(OptionList)
        at = options.highlighted or 0
        options.clear_options()
        options.add_options(self._row(number) for number in range(len(self._shown)))
        options.highlighted = at
        self._write_text(at)

    def _row(self, number: int) -> Option:
        recipe = self._shown[number]
        is_seen = number in self._seen
        row = Text(no_wrap=True, overflow="ellipsis")
        sign, style = ("seen", "recipes--seen") if is_seen else ("-", "recipes--waiting")
        row.append(f"{sign:<{_SIGN_CELLS}}", shade(self, style))
        row.append(f"{recipe.client:<20}", shade(self, "recipes--title"))
        row.append(recipe.title)
        return Option(row)

    def _write_text(self, number: int) -> None:
        recipe = self._shown[number]
        words = Text(safe(recipe.text).rstrip("\n"))
        words.append(f"\n\n{recipe.note}\nTried with {recipe.tried}.", shade(self, "recipes--waiting"))
        self.query_one(Static).update(words)
        scroll = self.query_one(VerticalScroll)
        scroll.border_title = Content(f"{recipe.client}: {recipe.language}")
        scroll.border_subtitle = Content("y copy   ↑↓ choose")
        scroll.scroll_home(animate=False)

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._write_text(event.option_index)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_copy_recipe()
