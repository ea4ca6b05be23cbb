"""Where the lines of a file end: found before anybody knows what stands in them.

Its one rule: it looks for newlines and at nothing else, so that a file of any size is counted at once; what a
line says is checked later (`sessions.reading`). Only whole lines count, and no line is held in memory.
"""

from __future__ import annotations

import os
from array import array
from bisect import bisect_right
from io import BytesIO
from itertools import accumulate
from time import perf_counter

_BLOCK = 1 << 20
_NEWLINE = ord("\n")


class LineEnds:
    """The ends of the whole lines of an open file from some offset on, in bytes; eight bytes a line."""

    def __init__(self, descriptor: int, start: int) -> None:
        self._descriptor = descriptor
        # Q and not q: the one kind of 64 bits that an array takes over without parsing its argument
        self._ends = array("Q", [start])
        self._searched = start  # no newline stands between the last end and here
        self._buffer: BytesIO | None = None  # while there is much to look at

    def __len__(self) -> int:
        return len(self._ends) - 1

    @property
    def found(self) -> int:
        """Where the last whole line that was found ends."""
        return self._ends[-1]

    def start(self, line: int) -> int:
        """Where a line begins; for the number of lines itself, where the last one ends."""
        return self._ends[line]

    def between(self, line: int, stop: int) -> array[int]:
        """Where the lines from `line` up to `stop` begin, and where the last of them ends."""
        return self._ends[line : stop + 1]

    def find_on(self, size: int, deadline: float) -> bool:
        """Look at what follows, until this time of `perf_counter`; whether something is left to look at.

        The file is `size` bytes; one block at least is looked at. Raises OSError when it cannot be read.
        """
        while self._searched < size:
            if not self._look_at_block(size):
                break
            if perf_counter() >= deadline:
                return self._searched < size
        self._buffer = None
        return False

    def _look_at_block(self, size: int) -> bool:
        """Whether more may follow; what stands behind the last newline of a file is looked at again."""
        ends, start = self._ends, self._searched
        wanted = min(_BLOCK, size - start)
        if ends[-1] < start:  # within a line that is larger than a block
            block = os.pread(self._descriptor, wanted, start)
            end = block.find(b"\n") + 1
            if end:
                ends.append(start + end)
            self._searched = start + (end or len(block))
            return bool(block)
        lines, count, last = self._read(start, wanted)
        if not count:
            return False
        ends.pop()  # it comes again as the first of the sums
        ends.extend(accumulate(map(len, lines), initial=start))
        if last == _NEWLINE:
            self._searched = ends[-1]
            return True
        ends.pop()
        self._searched = start + count if ends[-1] == start else ends[-1]
        return count == wanted and start + count < size

    def _read(self, start: int, wanted: int) -> tuple[BytesIO, int, int]:
        """Lines from an offset on, how many bytes they are, and the last of these."""
        if wanted == _BLOCK:
            # always the same memory: that of a new large block comes page by page from the system
            buffer = self._buffer = self._buffer or BytesIO(bytes(_BLOCK))
            with buffer.getbuffer() as view:
                count = os.preadv(self._descriptor, [view], start)
                last = view[count - 1] if count else 0
            if count == wanted:
                buffer.seek(0)
                return buffer, count, last
        block = os.pread(self._descriptor, wanted, start)
        return BytesIO(block), len(block), block[-1] if block else 0

    def cut(self, size: int) -> None:
        """Forget what was found beyond so many bytes: the file has become shorter."""
        if size < self._searched:
            del self._ends[max(1, bisect_right(self._ends, size)) :]
            self._searched = self._ends[-1]

    def stop(self, first: int, last: int, size: int) -> int:
        """The line before which to stop, to read at most `size` bytes from `first` on; one line at least."""
        return max(
            first + 1, min(last, bisect_right(self._ends, self._ends[first] + size, first, last + 1) - 1)
        )
