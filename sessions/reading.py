"""A recording that somebody else wrote, or still writes: found line by line, shown as far as one likes.

Its one rule: whatever becomes of the file (damaged, cut, overwritten, replaced, removed) is told and never
raised once it is open, and nothing is ever written to it. A record has two gates: `read_on` makes it known,
`show` puts it before those who look; `len` counts only what is shown.
"""

from __future__ import annotations

import json
import os
import stat
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress
from fcntl import LOCK_NB, LOCK_SH, LOCK_UN, flock
from itertools import accumulate
from pathlib import Path
from time import perf_counter
from typing import Any, Self

from sessions.errors import Damaged, RecordingError, TooNew
from sessions.journal import FORMAT, VERSION
from sessions.recording import LABEL, MAX_SESSION, Problem, Recording
from sessions.records import Record, from_line

_BLOCK = 1 << 18
_MAX_HEADER = 1 << 20
_MAX_PROBLEMS = 1_000  # kept with their words; beyond it they are only counted
_NUMBER = b'{"n":'
_MAX_DIGITS = 18
_CHECKED = 32  # lines between two looks at the clock


class Reading(Recording):
    """A file of records by number, that never writes."""

    def __init__(self, descriptor: int, path: Path, header: dict[str, Any], first: bytes) -> None:
        super().__init__(descriptor, path, header, len(first))
        self.damaged = 0  #: lines that cannot be read; `problems` has the words of the first thousand
        self.bytes_known = len(first)  #: as far as the file has been read
        self.holes: set[int] = set()  #: numbers of the records right before which others are missing
        self._first = first
        self._lines = 1
        self._next = 0  # what the next record's own number should be; -1: nobody knows
        self._shown = 0
        self._block = _BLOCK
        self._seen_size = -1
        self._is_lost = False  #: the file is no longer what was opened
        self._is_displaced = False  #: another file, or none, stands at its path
        self._is_ordered = True  #: no record's time is before that of the one above it
        self._peaks = array("d")

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a recording and read its header line, nothing else.

        Raises Damaged when it is no recording, TooNew when a newer turnscope wrote it, RecordingError when
        it cannot be read at all.
        """
        try:
            # a pipe without a writer must not block
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise RecordingError(f"cannot read {path}: {error.strerror}") from error
        try:
            mode = os.fstat(descriptor).st_mode
            if stat.S_ISFIFO(mode):
                raise RecordingError(
                    f"cannot read {path}: it is a pipe; `-` reads one from stdin (- < {path})"
                )
            if not stat.S_ISREG(mode):
                kind = "folder" if stat.S_ISDIR(mode) else "device"
                raise RecordingError(f"cannot read {path}: it is a {kind}, not a file")
            first = _first_line(descriptor)
            header = header_of(first, path)
        except OSError as error:
            os.close(descriptor)
            raise RecordingError(f"cannot read {path}: {error.strerror}") from error
        except RecordingError:
            os.close(descriptor)
            raise
        return cls(descriptor, path, header, first)

    @classmethod
    def whole(cls, path: Path) -> Self:
        """Open a recording, read all of it and show all of it; for a short one, or where nobody waits.

        A cut last line is among its `problems`. Raises as `open` does.
        """
        reading = cls.open(path)
        while reading.read_on(float("inf")):
            pass
        reading.show(reading.known)
        if cut := reading.end_problem():
            reading.problems.append(cut)
        return reading

    # How far --------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return self._shown

    @property
    def known(self) -> int:
        """How many records have been found so far."""
        return len(self._elapsed)

    def show(self, count: int) -> None:
        """Show the first `count` records, at most those that are known; fewer than before is fine."""
        self._shown = max(0, min(count, self.known))

    def bytes_total(self) -> int:
        """Size of the file now."""
        return os.fstat(self._descriptor).st_size if self._descriptor >= 0 else self.bytes_known

    def is_growing(self) -> bool:
        """Whether its writer still holds it: a writer locks what it writes, until it ends or dies."""
        if self._descriptor < 0 or self._is_lost:
            return False
        try:
            flock(self._descriptor, LOCK_SH | LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:  # a file system without locks cannot say
            return False
        flock(self._descriptor, LOCK_UN)
        return False

    def end_problem(self) -> Problem | None:
        """The cut last line, when the file does not end with a whole one; None while it does.

        Of a file that still grows it is only the line that is being written.
        """
        missing = self.bytes_total() - self.bytes_known
        if missing <= 0 or self._is_lost:
            return None
        if b"\n" in os.pread(self._descriptor, min(missing, _BLOCK), self.bytes_known):
            return None  # whole lines are waiting
        return Problem(self._lines + 1, f"the last line is cut: {missing:,} bytes without an end")

    def number_at(self, elapsed: float) -> int:
        """The first known record after this recording time; `known` when there is none.

        A clock that jumped back is read as standing still: a record counts as no earlier than those above it.
        """
        if self._is_ordered:
            return bisect_right(self._elapsed, elapsed)
        if len(self._peaks) != self.known:
            self._peaks = array("d", accumulate(self._elapsed, max))
        return bisect_right(self._peaks, elapsed)

    # Reading on -----------------------------------------------------------------------------------------

    def read_on(self, seconds: float) -> int:
        """Find records in what has not been read yet, for at most this time; how many, 0 for nothing new.

        Only whole lines are taken. A damaged one is a problem, and is skipped. One line is read whole,
        however large it is.
        """
        if self._descriptor < 0 or self._is_lost:
            return 0
        before = self.known
        end = perf_counter() + seconds
        try:
            size = os.fstat(self._descriptor).st_size
            if size != self._seen_size and not self._is_as_opened(size):
                return 0
            while self.bytes_known < size and not self._read_block(end):
                pass
            if self.known == before:
                self._look_at_path()
            self._seen_size = size
        except OSError as error:
            self._lose(f"it can no longer be read: {error.strerror}")
        return self.known - before

    def _read_block(self, end: float) -> bool:
        """Take the whole lines of one block; True when time is up, or the rest is no whole line yet."""
        block = os.pread(self._descriptor, self._block, self.bytes_known)
        lines = block.split(b"\n")
        lines.pop()  # the beginning of a line whose end is not here
        if not lines:
            if len(block) < self._block:
                return True
            self._block *= 2  # a line larger than a block
            return False
        for number, line in enumerate(lines, start=1):
            self._take(line)
            if not number % _CHECKED and perf_counter() >= end:
                return True
        self._block = _BLOCK
        return perf_counter() >= end

    def _take(self, line: bytes) -> None:
        start = self.bytes_known
        self.bytes_known = start + len(line) + 1
        self._lines += 1
        try:
            session, direction, kind, wall, elapsed, payload, _ = from_line(line)
            if not 0 <= session <= MAX_SESSION:
                raise ValueError(f"not a record: conn {session} is out of range")
            self._wall.append(wall)
        except (ValueError, OverflowError) as error:
            self._note(self._lines, str(error))
            self.holes.add(self.known)
            self._next = -1
            return
        times = self._elapsed
        number = _own_number(line)
        if number >= 0 <= self._next != number:
            self.holes.add(len(times))
        self._next = number + 1 if number >= 0 else -1
        if times and elapsed < times[-1]:
            self._is_ordered = False
        self._offsets[-1] = start
        self._offsets.append(self.bytes_known)
        self._sizes.append(len(payload))
        self._labels.append(session << 8 | LABEL[direction, kind])
        times.append(elapsed)

    def _is_as_opened(self, size: int) -> bool:
        if size < self.bytes_known:
            self._lose(f"the file became shorter while it was followed: {size:,} bytes are left")
        elif os.pread(self._descriptor, len(self._first), 0) != self._first:
            self._lose("the file was overwritten while it was followed")
        return not self._is_lost

    def _look_at_path(self) -> None:
        if self._is_displaced or self.path is None:
            return
        mine = os.fstat(self._descriptor)
        try:
            there = os.stat(self.path)
        except OSError:
            self._is_displaced = True
            self._note(self._lines, "the file was removed; what it said stays readable here")
        else:
            if (there.st_dev, there.st_ino) != (mine.st_dev, mine.st_ino):
                self._is_displaced = True
                self._note(self._lines, "another file took its place; this is still the old one")

    def _lose(self, reason: str) -> None:
        self._is_lost = True
        self._note(self._lines, reason)

    def _note(self, line: int, reason: str) -> None:
        self.damaged += 1
        if len(self.problems) < _MAX_PROBLEMS:
            self.problems.append(Problem(line, reason))

    # Reading back ---------------------------------------------------------------------------------------

    def line(self, number: int) -> bytes:
        """The line of this number exactly as it stands in the file, newline included."""
        line = super().line(number)
        return line[: line.find(b"\n") + 1]  # damaged ones may stand before the next record

    def record(self, number: int) -> Record:
        """The record of this number; without its payload, and with `gone` in its meta, when the file changed.

        Raises IndexError when there is none.
        """
        try:
            return super().record(number)
        except (ValueError, OSError):
            return self._stand_in(number)

    def records(self, start: int, stop: int) -> Iterator[Record]:
        """Known records from start up to stop, read back in blocks; what is read is not cached."""
        offsets = self._offsets
        stop = min(stop, self.known)
        while start < stop:
            begin = offsets[start]
            last = max(start + 1, min(stop, bisect_right(offsets, begin + _BLOCK, start, stop + 1) - 1))
            block = b""  # where the disk fails every record of the block is gone
            with suppress(OSError):
                block = os.pread(self._descriptor, offsets[last] - begin, begin)
            for number in range(start, last):
                try:
                    from_here = offsets[number] - begin
                    yield from_line(block[from_here : block.index(b"\n", from_here)])
                except ValueError:
                    yield self._stand_in(number)
            start = last

    def _stand_in(self, number: int) -> Record:
        return Record(
            self.session_at(number),
            self.direction_at(number),
            self.kind_at(number),
            self.wall_at(number),
            self.elapsed_at(number),
            b"",
            {"gone": "the file no longer has this record"},
        )


def _own_number(line: bytes) -> int:
    """The number that stands at the beginning of a line, as every writer of ours puts it; -1 for none."""
    if not line.startswith(_NUMBER):
        return -1
    digits = line[len(_NUMBER) : line.find(b",", len(_NUMBER))]
    return int(digits) if digits.isdigit() and len(digits) < _MAX_DIGITS else -1


def offsets(path: Path) -> array[int]:
    """Where each line of a file ends, counted in bytes from its beginning; a cut last line is one, too.

    Looks for nothing but line ends; raises RecordingError when the file cannot be read.
    """
    try:
        with path.open("rb", buffering=1 << 20) as lines:
            return array("q", accumulate(map(len, lines)))
    except OSError as error:
        raise RecordingError(f"cannot read {path}: {error.strerror}") from error


def _first_line(descriptor: int) -> bytes:
    start = os.pread(descriptor, 1 << 12, 0)
    if b"\n" not in start:
        start = os.pread(descriptor, _MAX_HEADER, 0)
    return start[: start.find(b"\n") + 1] or start


def header_of(line: bytes, path: Path | str) -> dict[str, Any]:
    """What a recording's first line says; raises Damaged or TooNew, naming the file."""
    if not line:
        raise Damaged(f"{path} is empty: no recording was written to it")
    try:
        header = json.loads(line) if line.endswith(b"\n") else None  # one without an end was cut
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise Damaged(f"{path} is not a recording of turnscope: its first line is no header")
    written = header.get("version")
    if not isinstance(written, int) or isinstance(written, bool):
        raise Damaged(f"{path} is not a recording of turnscope: its first line is no header with a version")
    if written > VERSION:
        raise TooNew(
            f"{path} was written by {header.get('app', 'a newer turnscope')} in format version "
            f"{written}; this one reads up to {VERSION}: please update"
        )
    return header
