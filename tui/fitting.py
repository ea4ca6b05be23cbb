"""Fitting: what a line may say, in as many words as there is room for; pure.

Its one rule: what matters most stays longest. Each piece has several wordings and a rank; the lowest ranks
go first, then wordings become longer where there is room.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.text import Text

from tui.cells import width


class Piece(NamedTuple):
    """One thing a line may say: its wordings from short to long, how much it matters, and where it stands."""

    forms: tuple[str, ...]
    style: str = ""
    rank: int = 50  #: 100 stays to the last
    is_right: bool = False


def fit(pieces: Sequence[Piece], cells: int) -> Text:
    """One line of at most `cells`: pieces left and right; where there is no room the lowest ranks go."""
    gap = 1 if cells < 100 else 2 if cells < 110 else 3
    kept = list(range(len(pieces)))
    chosen = [0] * len(pieces)

    def needed() -> int:
        return 1 + sum(width(pieces[index].forms[chosen[index]]) + gap for index in kept)

    while len(kept) > 1 and needed() > cells:
        kept.remove(min(kept, key=lambda index: pieces[index].rank))
    for index in sorted(kept, key=lambda one: -pieces[one].rank):
        for form in range(len(pieces[index].forms) - 1, 0, -1):
            chosen[index] = form
            if needed() <= cells:
                break
            chosen[index] = 0
    left = Text(" ", no_wrap=True, end="")
    right = Text(no_wrap=True, end="")
    for index in kept:
        piece = pieces[index]
        side = right if piece.is_right else left
        if side.plain.strip():
            side.append(" " * gap)
        side.append(piece.forms[chosen[index]], piece.style)
    blank = cells - left.cell_len - right.cell_len - (1 if right.plain else 0)
    if right.plain and blank > 0:
        left.append(" " * blank)
        left.append_text(right)
    left.truncate(max(0, cells))
    return left
