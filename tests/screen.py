"""The visible terminal as plain text: what a person would read, line by line, without colours."""

from __future__ import annotations

from typing import Any

from rich.segment import Segment
from textual.app import App
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


def screen_strips(app: App[Any]) -> list[Strip]:
    """The lines of the screen on top as they would be painted, colours included."""
    width, height = app.size
    options = app.console.options.update(width=width, height=height)
    # the compositor is what a terminal gets; Textual's own screenshots read it the same way
    lines = app.console.render_lines(app.screen._compositor, options, pad=False)
    return [Strip(line) for line in lines]


def screen_lines(app: App[Any]) -> list[str]:
    """The visible terminal, one string for each line, blanks at the right cut off."""
    return [strip.text.rstrip() for strip in screen_strips(app)]


def screen_text(app: App[Any]) -> str:
    """The visible terminal as one text, each line ending in a newline, blanks at the right cut off."""
    return "".join(line + "\n" for line in screen_lines(app))


def widget_lines(widget: Widget) -> list[str]:
    """What one widget paints, frame included, in full width."""
    width, height = widget.outer_size
    return [strip.text for strip in widget.render_lines(Region(0, 0, width, height))]


def segments_at(app: App[Any], line: int) -> list[Segment]:
    """The coloured pieces of one line of the screen."""
    return list(screen_strips(app)[line])
