"""The rows of a conversation: turns -> blocks -> rows at one width, laid out only where somebody looks.

Its one rule: a row number is found from heights, and heights of turns out of sight are kept as numbers only.
A turn that nobody has looked at yet counts with a guess; `settle` replaces guesses bit by bit.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Sequence

from sessions.events import Event, Undecodable
from sessions.reducer import Sessions
from sessions.session import Turn
from tui.blocks import Block, Check, Read, blocks_of
from tui.laid import Anchor, Laid, Piece, Place
from tui.light import Light
from tui.wrap import Wrapped

GUTTER = 8
_KEPT = 128  # turns whose blocks are kept
_GUESS = 6  # rows of a turn that was never laid out
_WRAPPED = 1 << 16  # characters wrapped at once in one text; the rest follows in the next steps
_READ = 16  # events kept for turns that are laid out again and again while they run
_MANY_ITEMS = 100  # above this a delta only wraps texts on, without making the blocks anew


class Layout:
    """All turns, or some, as rows."""

    def __init__(self, sessions: Sessions, read: Read, check: Check | None = None) -> None:
        self.sessions = sessions
        self.width = 80
        self.is_markdown = True
        self._read_now = read
        self._check = check
        self._events: OrderedDict[int, Event | Undecodable] = OrderedDict()
        self._only: tuple[int, ...] | None = None
        self._numbers: list[int] = []
        self._places: dict[int, int] = {}
        self._heights = array("i")
        self._is_exact = bytearray()
        self._starts = array("q", [0])
        self._valid = 0  # how many of the starts are right
        self._guessed = 0  # before this place every height is exact
        self._laid: OrderedDict[int, Laid] = OrderedDict()
        self._folds: dict[tuple[int, Hashable], bool] = {}

    # Which turns -------------------------------------------------------------------------------------

    @property
    def numbers(self) -> Sequence[int]:
        """The numbers of the turns that are shown, in their order."""
        return self._numbers

    @property
    def is_all(self) -> bool:
        """Whether all turns are shown, not only some."""
        return self._only is None

    def show_only(self, numbers: Iterable[int] | None) -> None:
        """Show these turns; None: all, also those to come."""
        self._only = None if numbers is None else tuple(numbers)
        self._numbers = []
        self._places = {}
        self._heights = array("i")
        self._is_exact = bytearray()
        self._valid = self._guessed = 0
        self.sync()

    def show_more(self, numbers: Iterable[int]) -> None:
        """The turns that are shown became more at their end."""
        self._only = tuple(numbers)

    def sync(self) -> None:
        """Take in turns that have come."""
        known = len(self._numbers)
        wanted: Sequence[int] = range(known + 1, len(self.sessions.turns) + 1)
        if self._only is not None:
            wanted = self._only[known:]
        for number in wanted:
            self._places[number] = len(self._numbers)
            self._numbers.append(number)
            self._heights.append(_GUESS)
            self._is_exact.append(0)

    def set_width(self, width: int) -> bool:
        """Lay out for this many cells; True when that is another width than before."""
        if width == self.width:
            return False
        self.width = width
        self.forget()
        return True

    # Heights -----------------------------------------------------------------------------------------

    def row_count(self) -> int:
        """How many rows there are, guesses included."""
        self._sum(len(self._numbers))
        return self._starts[len(self._numbers)]

    def place(self, row: int) -> Place:
        """The turn and the row inside it; lays the turn out when it is a guess so far."""
        count = len(self._numbers)
        self._sum(count)
        index = max(0, min(count - 1, bisect_right(self._starts, row, 0, count + 1) - 1))
        return Place(self._numbers[index], row - self._starts[index])

    def row_of(self, place: Place) -> int:
        """The row number of a place; -1 when its turn is not shown."""
        index = self._places.get(place.turn)
        if index is None:
            return -1
        self._sum(index)
        return self._starts[index] + max(0, min(place.row, self._heights[index] - 1))

    def _sum(self, count: int) -> None:
        while len(self._starts) < len(self._heights) + 1:
            self._starts.append(0)
        for index in range(self._valid, count):
            self._starts[index + 1] = self._starts[index] + self._heights[index]
        self._valid = max(self._valid, count)

    def _set_height(self, number: int, rows: int) -> None:
        index = self._places.get(number)
        if index is None:
            return
        self._is_exact[index] = 1
        if self._heights[index] != rows:
            self._heights[index] = rows
            self._valid = min(self._valid, index)

    def settle(self, turns: int) -> bool:
        """Lay out up to so many turns that are guesses so far; True when none is left."""
        count = len(self._numbers)
        while self._guessed < count:
            if not self._is_exact[self._guessed]:
                if turns <= 0:
                    break
                self.laid(self._numbers[self._guessed])
                turns -= 1
            if not self._is_exact[self._guessed]:
                break
            self._guessed += 1
        return self._guessed >= count

    @property
    def is_settled(self) -> bool:
        """Whether every height is known and every text wrapped to its end."""
        return self.settle(0) and not self.unwrapped()

    def height(self, number: int) -> int:
        """How many rows a turn takes; 1 when it is not shown."""
        index = self._places.get(number)
        return self._heights[index] if index is not None else 1

    def is_exact(self, number: int) -> bool:
        """Whether the height of this turn is known, not guessed."""
        index = self._places.get(number)
        return index is not None and bool(self._is_exact[index])

    # Laying out --------------------------------------------------------------------------------------

    def laid(self, number: int) -> Laid:
        """A turn's pieces, laid out now when they are not there."""
        found = self._laid.get(number)
        if found is None:
            found = self._lay(number, {})
            self._laid[number] = found
            if len(self._laid) > _KEPT:
                self._laid.popitem(last=False)
        else:
            self._laid.move_to_end(number)
            self._set_height(number, found.rows)
        return found

    def touch(self, number: int) -> int:
        """A turn has changed: new blocks, other states; texts that are wrapped stay wrapped.

        Returns the first row of the turn that may read differently now.
        """
        old = self._laid.get(number)
        if old is None:
            if (index := self._places.get(number)) is not None and self._is_exact[index]:
                self._is_exact[index] = 0
                self._guessed = min(self._guessed, index)
            return 0
        kept = {piece.block.key: piece for piece in old.pieces}
        before = {key: (piece.first, piece.rows) for key, piece in kept.items()}
        new = self._laid[number] = self._lay(number, kept)
        for piece in new.pieces:
            was = kept.get(piece.block.key)
            if was is None or was.block != piece.block or before[piece.block.key][0] != piece.first:
                return piece.first
            if piece.block.is_live or before[piece.block.key][1] != piece.rows:
                first, rows = before[piece.block.key]
                return first + max(0, rows - 1 - len(piece.block.feet))
        return new.rows - 1

    def grow(self, number: int) -> int:
        """Only texts of a turn have grown: cheaper than `touch` where a turn has very many items."""
        turn = self.sessions.turn(number)
        old = self._laid.get(number)
        items = sum(len(response.items) for response in turn.responses) if turn is not None else 0
        if old is None or items <= _MANY_ITEMS:
            return self.touch(number)
        row, changed = 1, old.rows
        for piece in old.pieces:
            if piece.wrapped is not None and not piece.wrapped.is_complete:
                changed = min(changed, row + max(0, piece.rows - 1 - len(piece.block.feet)))
                piece.wrapped.update(_WRAPPED)
            piece.first = row
            row += piece.rows
        self._laid[number] = Laid(old.pieces, row + 1)
        self._set_height(number, row + 1)
        return changed

    def forget(self) -> None:
        """Any turn may have changed: lay each out again when somebody looks."""
        self._laid.clear()
        self._is_exact = bytearray(len(self._numbers))
        self._guessed = 0

    def _read(self, record: int) -> Event | Undecodable:
        found = self._events.get(record)
        if found is None:
            found = self._events[record] = self._read_now(record)
            if len(self._events) > _READ:
                self._events.popitem(last=False)
        else:
            self._events.move_to_end(record)
        return found

    def _lay(self, number: int, kept: dict[Hashable, Piece]) -> Laid:
        turn = self.sessions.turn(number)
        pieces: list[Piece] = []
        row = 1
        for block in blocks_of(self.sessions, turn, self._read, self._check) if turn else ():
            piece = self._piece(number, block, kept.get(block.key))
            piece.first = row
            row += piece.rows
            pieces.append(piece)
        laid = Laid(pieces, row + 1)
        self._set_height(number, laid.rows)
        return laid

    def _piece(self, number: int, block: Block, old: Piece | None) -> Piece:
        is_folded = self._folds.get((number, block.key), block.is_folded) and block.text is not None
        wrapped = None
        if block.text is not None and not is_folded:
            if old is not None and old.wrapped is not None and old.wrapped.source == block.text:
                wrapped = old.wrapped
            else:
                wrapped = Wrapped(block.text, max(8, self.width - GUTTER))
            wrapped.update(_WRAPPED)
        piece = Piece(block, wrapped, is_folded)
        if old is not None and old.light is not None and old.block.text == block.text:
            piece.light = old.light
        return piece

    def unwrapped(self) -> tuple[int, ...]:
        """Turns in which a text was so large that a part of it waits to be wrapped."""
        return tuple(
            number
            for number, laid in self._laid.items()
            if any(piece.wrapped is not None and not piece.wrapped.is_complete for piece in laid.pieces)
        )

    # Folding and finding -----------------------------------------------------------------------------

    def toggle(self, place: Place) -> bool:
        """Fold or unfold the block at a place; False when there is nothing to fold."""
        found = self.laid(place.turn).piece_at(place.row)
        if found is None or found[0].block.text is None:
            return False
        piece = found[0]
        self._folds[(place.turn, piece.block.key)] = not piece.is_folded
        self.touch(place.turn)
        return True

    def record_of(self, place: Place) -> int:
        """The record behind a row; the create of the turn for its heading."""
        turn = self.sessions.turn(place.turn)
        laid = self.laid(place.turn)
        found = laid.piece_at(place.row)
        if found is None and place.row and laid.pieces:
            last = laid.pieces[-1]  # the empty row below a turn stands for its end
            found = last, last.head + max(0, last.text_rows - 1)
        record = found[0].record_at(found[1]) if found else -1
        return record if record >= 0 or turn is None else _first_record(turn)

    def place_of(self, record: int) -> Place | None:
        """Where a record is shown; None when its turn is not."""
        sessions = self.sessions
        if not 0 <= record < len(sessions.turn_column):
            return None
        number = sessions.turn_column[record]
        if number not in self._places:
            return None
        laid = self.laid(number)
        nearest: Piece | None = None
        for piece in laid.pieces:
            text = piece.block.text
            start, end = text.span(record) if text is not None else (0, 0)
            if end > start:
                at = piece.wrapped.row_of(start) + piece.head if piece.wrapped is not None else 0
                return Place(number, piece.first + at)
            if 0 <= piece.block.record <= record:
                nearest = piece
        turn = sessions.turn(number)
        if nearest is None or (turn is not None and record == turn.create and not laid.pieces):
            return Place(number, 0)
        return Place(number, nearest.first)

    def anchor(self, place: Place) -> Anchor:
        """What stands at a place, in words that outlive another width."""
        return self.laid(place.turn).anchor(place)

    def place_at(self, anchor: Anchor) -> Place:
        """Where an anchor stands now; the heading when its block is gone."""
        return self.laid(anchor.turn).place_at(anchor)

    def light_of(self, piece: Piece) -> Light | None:
        """The Markdown styles of a piece, made when first asked for; None for plain text."""
        if not self.is_markdown or not piece.block.is_markdown or piece.block.text is None:
            return None
        if piece.light is None:
            piece.light = Light(piece.block.text)
        return piece.light


def _first_record(turn: Turn) -> int:
    return turn.create if turn.create >= 0 or turn.response is None else turn.response.first
