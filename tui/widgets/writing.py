"""Where a person writes: a line and an area whose edges stay straight, whatever is written into them.

Their one rule: what is painted has the width that it was counted with; what was written is left as it is.
"""

from __future__ import annotations

from rich.segment import Segment
from textual.strip import Strip
from textual.widgets import Input, TextArea

from tui.cells import anchored


class Line(Input):
    """One line to write."""

    def render_line(self, y: int) -> Strip:
        """The line, its joined signs in as many cells as were counted."""
        return straight(super().render_line(y))


class Area(TextArea):
    """Several lines to write."""

    def render_line(self, y: int) -> Strip:
        """One line, its joined signs in as many cells as were counted."""
        return straight(super().render_line(y))


def straight(strip: Strip) -> Strip:
    """The strip as every terminal shows it equally wide."""
    if strip.text.isascii():
        return strip
    shown = (Segment(anchored(text), style, control) for text, style, control in strip)
    return Strip(shown, strip.cell_length)
