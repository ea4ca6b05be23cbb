"""The application: keys, theme, and how it is left. It knows no event type and no widget's inside."""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from rich.text import Text
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import Screen

from sessions import redact
from sessions.safe import safe
from tui import keys
from tui.own_keys import judged


def _actions() -> type[Provider]:
    from tui.palette import Actions

    return Actions


class TurnscopeApp(App[int]):
    """A terminal inspector for the Responses API over WebSocket."""

    TITLE = "turnscope"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.Where.APP)]
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_actions}
    COMMAND_PALETTE_BINDING = "ctrl+p"
    NOTIFICATION_TIMEOUT = 6.0

    def __init__(self, first: Callable[[], Screen[Any]]) -> None:
        super().__init__()
        self.farewell = ""  #: told on stderr when the terminal is a person's again
        self._first = first

    def get_default_screen(self) -> Screen[Any]:
        """The first screen stands at the bottom; painting an empty one before it would cost a picture."""
        screen = self._first()
        # The framework reads the styles of pushed screens only.
        self.stylesheet.read_all(screen.css_path)
        return screen

    def on_mount(self) -> None:
        """Read the person's keys and theme once the first picture stands."""
        self.call_after_refresh(lambda: self.run_worker(self._read_taste(), group="taste"))

    async def _read_taste(self) -> None:
        from tui.launch import taste

        found = await asyncio.to_thread(taste)
        self.use_taste(found.own_keys, found.theme, found.problem)

    def use_taste(self, own_keys: Mapping[str, str], theme: str = "", problem: str = "") -> None:
        """Use the person's own keys and theme; what cannot be used is said and left out."""
        problems = [problem] if problem else []
        own = judged(own_keys)
        if own.problems:
            others = "the others are used" if own.usable else "none is used"
            problems += [f"Keys of the settings file that cannot be used ({others}):", *own.problems]
        if own.usable:
            self.set_keymap(own.usable)
        if theme in self.available_themes:
            self.theme = theme
        elif theme:
            problems.append(f"There is no theme {theme!r}.")
        if problems:
            self.notify(safe("\n".join(problems)), severity="error", markup=False, timeout=20)

    def get_key_display(self, binding: Binding) -> str:
        """Keys in as few cells as can be read."""
        return binding.key_display or keys.display(binding.key)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Only what the framework does better than we would; our own actions are in the palette already."""
        yield SystemCommand("theme", "Change the colours.", self.action_change_theme)

    def handle_bindings_clash(self, clashed_bindings: set[Binding], node: DOMNode) -> None:
        """Clashes were judged when the settings were read."""

    def _fatal_error(self) -> None:
        # The framework's own traceback prints local variables, and a key may be among them.
        text = "".join(traceback.format_exception(sys.exception()))
        self.panic(Text(safe(redact.text(text).value)))

    # Actions --------------------------------------------------------------------------------------------

    def action_help(self) -> None:
        """Show every key that works here."""
        from tui.screens.help import help_page

        self.push_screen(help_page(self.screen))

    async def action_quit(self) -> None:
        """Leave; asks first while a socket is open."""
        self.run_worker(self._leave(), group="leaving", exclusive=True)

    async def _leave(self) -> None:
        for screen in reversed(self.screen_stack):
            may_leave = getattr(screen, "may_leave", None)
            if may_leave is not None and not await may_leave():
                return
        self.exit(0)

    def action_copy_or_hint(self) -> None:
        """Copy the selection; without one, say how to leave. Never ends a session."""
        text = self.screen.get_selected_text()
        if text:
            self.copy_to_clipboard(text)
            self.notify("copied the selection by OSC 52", markup=False)
        else:
            self.notify(Content("nothing is selected; ctrl+q leaves turnscope").plain, markup=False)
