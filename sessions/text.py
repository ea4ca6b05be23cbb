"""Text that grows by deltas: appended in constant time, read by slices, traced back to its records.

Its one rule: nothing ever copies the whole while it grows. Chunks are joined at 64 KiB; an array holds, for
each delta, where it ended and which record brought it. What has been appended never changes, so a mark, a
few numbers, is enough to make the text again as it stood.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from typing import NamedTuple

_BLOCK = 1 << 16


class Mark(NamedTuple):
    """A text as it stood at some moment: the pieces that it shares with the text, and how many counted."""

    blocks: list[str]
    starts: array[int]
    chunks: list[str]
    ends: array[int]
    records: array[int]
    deltas: int
    is_final: bool

    def restore(self) -> Text:
        """A text of its own, equal to what the marked one was."""
        text = Text()
        text._take(self)
        return text


class Text:
    """An append-only text with the record of each of its deltas."""

    __slots__ = (
        "_blocks",
        "_chunks",
        "_ends",
        "_is_shared",
        "_joined",
        "_mark",
        "_records",
        "_size",
        "_starts",
        "is_final",
    )

    def __init__(self) -> None:
        self.is_final = False  #: a done value has confirmed or replaced it
        self._mark: Mark | None = None
        self._clear()

    def _clear(self) -> None:
        # new lists and columns, not emptied ones: a mark may still speak of the old
        self._is_shared = False  #: with texts restored from its mark, until one of them grows
        self._blocks: list[str] = []
        self._starts = array("q")
        self._chunks: list[str] = []
        self._joined = 0  #: characters that stand in blocks
        self._size = 0
        self._ends = array("I")  # four bytes each: for texts and recordings up to 4 G characters, records
        self._records = array("I")

    def __len__(self) -> int:
        return self._size

    def __str__(self) -> str:
        self._compact()
        return "".join(self._blocks)

    def append(self, fragment: str, record: int) -> None:
        """Add one delta that came with this record."""
        if self._is_shared:
            self._part_ways()
        self._chunks.append(fragment)
        size = self._size = self._size + len(fragment)
        self._ends.append(size)
        self._records.append(record)
        if size - self._joined >= _BLOCK:
            self._compact()

    def settle(self, value: str, record: int) -> bool:
        """Take the done value, which is authoritative; True when it differs from what the deltas said."""
        differs = self._size != len(value) or str(self) != value
        if differs:
            self._clear()
            self.append(value, record)
        elif value:
            # one string for both: whoever keeps the done value keeps this text with it
            self._blocks, self._starts, self._chunks = [value], array("q", [0]), []
            self._joined = self._size
        self.is_final = True
        return differs

    def slice(self, start: int, end: int) -> str:
        """The characters from start to end, without joining the rest."""
        start, end = max(0, start), min(end, self._size)
        if start >= end:
            return ""
        self._compact()
        first = bisect_right(self._starts, start) - 1
        pieces = []
        for index in range(first, len(self._blocks)):
            offset = self._starts[index]
            if offset >= end:
                break
            pieces.append(self._blocks[index][max(0, start - offset) : end - offset])
        return "".join(pieces)

    def tail(self, length: int) -> str:
        """The last characters."""
        return self.slice(self._size - length, self._size)

    def record_at(self, offset: int) -> int:
        """The record that brought the character at this offset; -1 when there is none."""
        if not 0 <= offset < self._size:
            return -1
        return self._records[bisect_right(self._ends, offset)]

    def span(self, record: int) -> tuple[int, int]:
        """Start and end of what this record brought; (0, 0) when it brought nothing."""
        index = bisect_right(self._records, record) - 1
        if index < 0 or self._records[index] != record:
            return (0, 0)
        return (self._ends[index - 1] if index else 0, self._ends[index])

    def mark(self) -> Mark:
        """What it takes to make this text again as it stands now, whatever becomes of it."""
        mark, ends = self._mark, self._ends
        if (
            mark is None
            or mark.ends is not ends
            or mark.blocks is not self._blocks
            or mark.deltas != len(ends)
            or mark.is_final is not self.is_final
        ):
            if self.is_final:
                self._compact()
                self._is_shared = True
            mark = Mark(
                self._blocks, self._starts, self._chunks, ends, self._records, len(ends), self.is_final
            )
            self._mark = mark
        return mark

    def _take(self, mark: Mark) -> None:
        self.is_final = mark.is_final
        if mark.is_final:
            self._blocks, self._starts, self._ends, self._records = mark[0], mark[1], mark[3], mark[4]
            self._size = self._joined = self._ends[-1] if self._ends else 0
            self._mark, self._is_shared = mark, True
            return
        self._ends = mark.ends[: mark.deltas]
        self._records = mark.records[: mark.deltas]
        size = self._size = self._ends[-1] if self._ends else 0
        for block in mark.blocks:
            if self._joined >= size:
                return
            self._starts.append(self._joined)
            self._blocks.append(block[: size - self._joined])  # a whole block is shared, not copied
            self._joined += len(self._blocks[-1])
        if rest := "".join(mark.chunks)[: size - self._joined]:
            self._chunks.append(rest)

    def _part_ways(self) -> None:
        self._blocks, self._starts, self._chunks = self._blocks[:], self._starts[:], self._chunks[:]
        self._ends, self._records = self._ends[:], self._records[:]
        self._is_shared = False

    @property
    def deltas(self) -> int:
        """How many pieces it was made of."""
        return len(self._ends)

    def _compact(self) -> None:
        if not self._chunks:
            return
        joined = "".join(self._chunks)
        self._chunks.clear()
        if self._blocks and len(self._blocks[-1]) + len(joined) <= _BLOCK:
            self._blocks[-1] += joined
        elif joined:
            self._starts.append(self._size - len(joined))
            self._blocks.append(joined)
        self._joined = self._size
