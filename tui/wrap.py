"""Growing text -> rows of a given width, in time that depends on what was added, not on what is there.

Its one rule: a row is two offsets into its text, never a copy; appending wraps the open last row again and
nothing else. Offsets hold because `safe` and `veiled` replace character by character.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Protocol

from rich.cells import cell_len, get_character_cell_size

from sessions.safe import safe
from tui.veil import veiled

TAB_CELLS = 4
_CHUNK = 1 << 15  # characters wrapped in one step
_BEFORE, _AFTER = 256, 64  # characters around a row in which a key would be recognised
_MOST = 4  # characters per cell of a row: a flood of marks without width must end somewhere


class Growing(Protocol):
    """A text that may grow: `sessions.text.Text`, or one of the two here."""

    def __len__(self) -> int: ...

    def slice(self, start: int, end: int) -> str:
        """The characters from start to end."""
        ...

    def record_at(self, offset: int) -> int:
        """The record that brought this character; -1 when there is none."""
        ...

    def span(self, record: int) -> tuple[int, int]:
        """Start and end of what a record brought; (0, 0) when it brought nothing."""
        ...


class Fixed:
    """A text that came whole, with one record."""

    __slots__ = ("_record", "_text")

    def __init__(self, text: str, record: int = -1) -> None:
        self._text = text
        self._record = record

    def __len__(self) -> int:
        return len(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fixed) and (self._record, self._text) == (other._record, other._text)

    def __hash__(self) -> int:
        return hash((self._record, self._text))

    def __repr__(self) -> str:
        return f"<Fixed of {len(self._text)} characters>"

    def slice(self, start: int, end: int) -> str:
        """The characters from start to end."""
        return self._text[max(0, start) : max(0, end)]

    def record_at(self, offset: int) -> int:
        """Its record, wherever one looks."""
        return self._record

    def span(self, record: int) -> tuple[int, int]:
        """All of it, for its own record."""
        return (0, len(self._text)) if record == self._record >= 0 else (0, 0)


class Joined:
    """Several growing texts one after the other, each on a line of its own; only the last may still grow."""

    __slots__ = ("_texts",)

    def __init__(self, texts: tuple[Growing, ...]) -> None:
        self._texts = texts

    def __len__(self) -> int:
        return sum(map(len, self._texts)) + max(0, len(self._texts) - 1)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Joined) and self._texts == other._texts

    def __hash__(self) -> int:
        return hash(self._texts)

    def slice(self, start: int, end: int) -> str:
        """The characters from start to end."""
        pieces = []
        offset = 0
        for index, text in enumerate(self._texts):
            if index:
                if start <= offset < end:
                    pieces.append("\n")
                offset += 1
            size = len(text)
            if start < offset + size and end > offset:
                pieces.append(text.slice(max(0, start - offset), min(size, end - offset)))
            offset += size
        return "".join(pieces)

    def record_at(self, offset: int) -> int:
        """The record that brought this character."""
        for text in self._texts:
            if offset < len(text):
                return text.record_at(offset)
            offset -= len(text) + 1
        return -1

    def span(self, record: int) -> tuple[int, int]:
        """Start and end of what a record brought."""
        offset = 0
        for text in self._texts:
            start, end = text.span(record)
            if end > start:
                return (offset + start, offset + end)
            offset += len(text) + 1
        return (0, 0)


class Wrapped:
    """The rows of one growing text at one width."""

    __slots__ = ("_end", "_origin", "_starts", "_width", "source")

    def __init__(self, source: Growing, width: int) -> None:
        self.source = source
        self._width = max(1, width)
        self._starts = array("q", [0])
        self._end = 0
        self._origin = source.record_at(0)

    def __len__(self) -> int:
        return len(self._starts) if self._end else 0

    @property
    def width(self) -> int:
        """Cells of a row."""
        return self._width

    @property
    def is_complete(self) -> bool:
        """Whether everything that is there has been wrapped."""
        return self._end == len(self.source)

    def update(self, budget: int = 1 << 20) -> bool:
        """Wrap what is new, at most `budget` characters of it; True when nothing is left to do."""
        source = self.source
        size = len(source)
        origin = source.record_at(0)
        if size < self._end or origin != self._origin:
            # the done value replaced what the deltas had said
            self._starts = array("q", [0])
            self._end = 0
            self._origin = origin
        starts = self._starts
        while self._end < size and budget > 0:
            start = starts[-1]
            end = min(size, max(start, self._end) + min(_CHUNK, budget))
            budget -= end - self._end
            chunk = safe(source.slice(start, end))
            starts.extend(start + cut for cut in _cuts(chunk, self._width))
            self._end = end
        return self._end == size

    def span(self, index: int) -> tuple[int, int]:
        """First and last offset of a row, without the newline that ends it."""
        start = self._starts[index]
        end = self._starts[index + 1] if index + 1 < len(self._starts) else self._end
        return start, end

    def text(self, index: int) -> str:
        """What a row shows: safe, without keys and account ids, tabs as spaces, at most `width` cells."""
        start, end = self.span(index)
        row = shown(self.source, start, end).rstrip("\n")
        if row.endswith(" ") and index + 1 < len(self._starts):
            row = row[:-1]
        return row.replace("\t", " " * TAB_CELLS)

    def row_of(self, offset: int) -> int:
        """The row in which an offset stands."""
        low, high = 0, len(self._starts)
        while high - low > 1:
            middle = (low + high) // 2
            if self._starts[middle] <= offset:
                low = middle
            else:
                high = middle
        return low


def wrap(text: str, width: int) -> list[str]:
    """The rows of a short text."""
    wrapped = Wrapped(Fixed(text), width)
    wrapped.update()
    return [wrapped.text(index) for index in range(len(wrapped))]


def shown(source: Growing, start: int, end: int) -> str:
    """A stretch of a text as a screen may show it; it reads a little around it, where a key may begin."""
    first = max(0, start - _BEFORE)
    clean = veiled(safe(source.slice(first, end + _AFTER)))
    return clean[start - first : end - first]


def _cuts(text: str, width: int) -> Iterator[int]:
    """Where new rows begin, in a text that begins with a row."""
    is_plain = text.isascii() and "\t" not in text
    line_start = 0
    while True:
        newline = text.find("\n", line_start)
        line_end = newline if newline >= 0 else len(text)
        if line_end - line_start > width or not is_plain:
            yield from _soft_cuts(text, line_start, line_end, width, is_plain)
        if newline < 0:
            return
        yield newline + 1
        line_start = newline + 1


def _soft_cuts(text: str, start: int, end: int, width: int, is_plain: bool) -> Iterator[int]:
    while True:
        fit = start + width if is_plain else _fit(text, start, end, width)
        if fit >= end:
            return
        space = text.rfind(" ", start, fit + 1)
        start = space + 1 if space > start else fit
        if start >= end:
            return
        yield start


def _fit(text: str, start: int, end: int, width: int) -> int:
    """How far a row reaches that begins at `start`: at least one character, at most `width` cells."""
    guess = min(end, start + width)
    piece = text[start:guess]
    if "\t" not in piece and cell_len(piece) == len(piece) == width and "\ufe0f" not in piece:
        return guess
    cells = 0
    for index in range(start, min(end, start + width * _MOST)):
        character = text[index]
        if character == "\t":
            cells += TAB_CELLS
        elif character == "\ufe0f":
            cells += 1  # it may widen the character before it
        else:
            cells += get_character_cell_size(character)
        if cells > width:
            return max(index, start + 1)
    return min(end, start + width * _MOST)
