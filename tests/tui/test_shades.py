"""Styles of component classes: transparency is blended, nothing else changes."""

from __future__ import annotations

from typing import ClassVar

from rich.color import Color
from rich.style import Style
from textual.app import App, ComposeResult
from textual.widget import Widget

from tui.shades import shade


class Shown(Widget):
    COMPONENT_CLASSES: ClassVar[set[str]] = {"s--half", "s--muted", "s--strong", "s--back", "s--none"}


class Host(App[None]):
    CSS = """
    Shown { background: black; color: white; }
    Shown > .s--half { color: white 50%; }
    Shown > .s--muted { color: auto 50%; }
    Shown > .s--strong { text-style: bold; }
    Shown > .s--back { background: white 50%; }
    """

    def compose(self) -> ComposeResult:
        yield Shown()


async def test_transparent_colours_are_blended() -> None:
    app = Host()
    async with app.run_test():
        shown = app.query_one(Shown)
        grey = Color.from_rgb(127, 127, 127)
        assert shade(shown, "s--half") == Style(color=grey)
        assert shade(shown, "s--back") == Style(bgcolor=grey)
        muted = shade(shown, "s--muted").color
        assert muted is not None
        assert muted.triplet is not None
        assert 100 < muted.triplet.red < 160


async def test_what_has_no_colour_keeps_none() -> None:
    app = Host()
    async with app.run_test():
        shown = app.query_one(Shown)
        assert shade(shown, "s--strong") == Style(bold=True)
        assert not shade(shown, "s--none")
        assert not shade(shown, "s--unknown")
