"""Pieces of a line: the lowest rank goes first, and wordings grow with the room."""

from __future__ import annotations

from tui.cells import width
from tui.fitting import Piece, fit


def test_the_lowest_rank_goes_first_and_wordings_grow_with_room() -> None:
    pieces = [Piece(("aa", "aaaaaa"), "", 90), Piece(("bb",), "", 10), Piece(("cc",), "", 50, is_right=True)]
    assert fit(pieces, 7).plain == " aa cc"
    assert fit(pieces, 11).plain == " aa bb  cc"
    assert fit(pieces, 16).plain == " aaaaaa bb   cc"
    assert width(fit(pieces, 1).plain) <= 1
