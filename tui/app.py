"""The application: keys, theme, and how it is left. It knows no event type and no widget's inside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import Screen

from tui import keys


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

    def __init__(
        self,
        first: Callable[[], Screen[Any]],
        *,
        own_keys: Mapping[str, str] | None = None,
        theme: str = "",
    ) -> None:
        super().__init__()
        self._first = first
        self._own_keys = dict(own_keys or {})
        self._own_theme = theme
        self.exit_code = 0

    def on_mount(self) -> None:
        """Take the person's theme and keys, then open the first screen."""
        self.use_settings(self._own_keys, self._own_theme)
        self.push_screen(self._first(), self._first_ended)

    def _first_ended(self, result: object) -> None:
        self.exit(self.exit_code)

    def use_settings(self, own_keys: Mapping[str, str], theme: str) -> None:
        """Use the person's own keys and theme; what cannot be used is said and left out."""
        wrong = keys.clashes(own_keys)
        if wrong:
            self.notify(
                "\n".join(("keys of the settings file are not used:", *wrong)), severity="error", markup=False
            )
        elif own_keys:
            self.set_keymap(own_keys)
        if theme in self.available_themes:
            self.theme = theme
        elif theme:
            self.notify(f"there is no theme {theme!r}", severity="error", markup=False)

    def get_key_display(self, binding: Binding) -> str:
        """Keys in as few cells as can be read."""
        return binding.key_display or keys.display(binding.key)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Only what the framework does better than we would; our own actions are in the palette already."""
        yield SystemCommand("theme", "Change the colours.", self.action_change_theme)

    def handle_bindings_clash(self, clashed_bindings: set[Binding], node: DOMNode) -> None:
        """Clashes were judged when the settings were read."""

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
        self.exit(self.exit_code)

    def action_copy_or_hint(self) -> None:
        """Copy the selection; without one, say how to leave. Never ends a session."""
        text = self.screen.get_selected_text()
        if text:
            self.copy_to_clipboard(text)
            self.notify("copied the selection by OSC 52", markup=False)
        else:
            self.notify(Content("nothing is selected; ctrl+q leaves turnscope").plain, markup=False)
