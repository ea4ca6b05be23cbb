"""One turn laid out: its blocks as pieces of rows, the places in it, and anchors that outlive a new layout.

Its one rule: a place is good for one layout only; what must survive another width or rows that come above is
kept as an anchor, a character of a block.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable
from typing import NamedTuple

from tui.blocks import Block
from tui.light import Light
from tui.wrap import Wrapped


class Place(NamedTuple):
    """A row of a turn, from 0, its heading."""

    turn: int
    row: int


class Anchor(NamedTuple):
    """A place that survives another width and other rows around it: a character of a block of a turn."""

    turn: int
    key: Hashable = None  #: None: the heading
    offset: int = 0
    rows: int = 0  #: rows below that character, for titles and feet


class Piece:
    """One block as rows: a title, its text, its feet; or one row when it is folded."""

    __slots__ = ("block", "first", "is_folded", "light", "wrapped")

    def __init__(self, block: Block, wrapped: Wrapped | None, is_folded: bool) -> None:
        self.block = block
        self.wrapped = wrapped
        self.is_folded = is_folded
        self.light: Light | None = None
        self.first = 0  #: its first row, inside its turn

    @property
    def head(self) -> int:
        """Rows before its text."""
        return 1 if self.block.title or self.block.note else 0

    @property
    def text_rows(self) -> int:
        """Rows of its text; the empty one after a newline at the end only while the text is live."""
        count = len(self.wrapped) if self.wrapped is not None else 0
        if count > 1 and not self.block.is_live and self.wrapped is not None:
            start, end = self.wrapped.span(count - 1)
            count -= start == end
        return count

    @property
    def rows(self) -> int:
        """How many rows it takes; at least one."""
        if self.is_folded:
            return 1
        return max(1, self.head + self.text_rows + len(self.block.feet))

    def record_at(self, row: int) -> int:
        """The record behind one of its rows."""
        wrapped = self.wrapped
        at = row - self.head
        if wrapped is not None and not self.is_folded and 0 <= at < self.text_rows:
            found = wrapped.source.record_at(wrapped.span(at)[0])
            if found >= 0:
                return found
        return self.block.record


class Laid(NamedTuple):
    """The pieces of one turn and how many rows they take, heading and the empty row at its end included."""

    pieces: list[Piece]
    rows: int

    def piece_at(self, row: int) -> tuple[Piece, int] | None:
        """The piece in which a row stands and the row inside it; None for the heading and the empty row."""
        index = bisect_right(self.pieces, row, key=lambda piece: piece.first) - 1
        if index < 0 or row < 1:
            return None
        piece = self.pieces[index]
        at = row - piece.first
        return (piece, at) if at < piece.rows else None

    def anchor(self, place: Place) -> Anchor:
        """What stands at a place, in words that outlive another width."""
        found = self.piece_at(place.row)
        if found is None:
            return Anchor(place.turn, None, 0, place.row)
        piece, row = found
        at = row - piece.head
        if piece.wrapped is None or piece.is_folded or at < 0:
            return Anchor(place.turn, piece.block.key, 0, 0)
        last = len(piece.wrapped) - 1
        if last < 0:
            return Anchor(place.turn, piece.block.key, 0, row)
        return Anchor(
            place.turn, piece.block.key, piece.wrapped.span(min(at, last))[0] + 1, max(0, at - last)
        )

    def place_at(self, anchor: Anchor) -> Place:
        """Where an anchor stands now; the heading when its block is gone."""
        for piece in self.pieces if anchor.key is not None else ():
            if piece.block.key == anchor.key:
                row = piece.first
                if anchor.offset and piece.wrapped is not None and not piece.is_folded:
                    row += piece.head + piece.wrapped.row_of(anchor.offset - 1)
                return Place(anchor.turn, min(row + anchor.rows, piece.first + piece.rows - 1))
        return Place(anchor.turn, min(anchor.rows if anchor.key is None else 0, self.rows - 1))
