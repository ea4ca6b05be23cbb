"""What of a conversation is in sight: anchors for it, and its turns laid out before they are painted.

Its one rule: only turns that come into sight are laid out here; where rows are counted, an anchor tells the
place again after turns above it have grown or folded.
"""

from __future__ import annotations

from tui.laid import Anchor, Place
from tui.layout import Layout


def anchor_at(spoken: Layout, row: int) -> Anchor | None:
    """An anchor for a row; None where there is no such row."""
    return spoken.anchor(spoken.place(row)) if 0 <= row < spoken.row_count() else None


def row_at(spoken: Layout, anchor: Anchor) -> int:
    """The row where an anchor is now."""
    return spoken.row_of(spoken.place_at(anchor))


def lay_out_end(spoken: Layout, rows: int) -> None:
    """Lay out what is in sight of so many rows when the end is, from below."""
    for number in reversed(spoken.numbers):
        spoken.laid(number)
        if spoken.row_count() - spoken.row_of(Place(number, 0)) >= rows:
            break


def lay_out_below(spoken: Layout, anchor: Anchor, rows: int) -> int:
    """Lay out what is in sight of so many rows from an anchor on; the anchor's own row."""
    first = row = row_at(spoken, anchor)
    while row < min(first + rows, spoken.row_count()):
        number = spoken.place(row).turn
        spoken.laid(number)
        row = spoken.row_of(Place(number, 0)) + spoken.height(number)
    return first
