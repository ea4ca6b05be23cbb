"""A recording that somebody else wrote, or still writes: found line by line, shown as far as one likes.

Its one rule: whatever becomes of the file (damaged, cut, overwritten, replaced, removed) is told and never
raised once it is open, and nothing is ever written to it. A record has three gates: `find_on` finds its
line, `read_on` makes it known, `show` puts it before those who look; `len` counts only what is shown.
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
from itertools import accumulate, pairwise
from math import inf
from pathlib import Path
from time import perf_counter
from typing import Any, Self

from sessions.errors import Damaged, RecordingError, TooNew
from sessions.journal import FORMAT, VERSION
from sessions.line_ends import LineEnds
from sessions.recording import LABEL, MAX_SESSION, Problem, Recording
from sessions.records import Record, from_line

_BLOCK = 1 << 18
_LARGEST_LINE = 0x7FFF_F000  # bytes; what one read returns at most (read(2) of Linux)
_MAX_HEADER = 1 << 20
_MAX_PROBLEMS = 1_000  # kept with their words; beyond it they are only counted
_NUMBER = b'{"n":'
_MAX_DIGITS = 18
_CHECKED = 32  # lines between two looks at the clock
_LOOKS = 16  # lines that are tried, from the end on, where one that can be read is wanted


class Reading(Recording):
    """A file of records by number, that never writes."""

    def __init__(self, descriptor: int, path: Path, header: dict[str, Any], first: bytes) -> None:
        super().__init__(descriptor, path, header, len(first))
        self.damaged = 0  #: lines that cannot be read; `problems` has the words of the first thousand
        self.holes: set[int] = set()  #: numbers of the records right before which others are missing
        self._first = first
        self._ends = LineEnds(descriptor, len(first))  # of all lines behind the header
        self._checked = 0  # of those lines
        self._gaps = array("q")  # for each damaged one, how many records stand before it
        self._next = 0  # what the next record's own number should be; -1: nobody knows
        self._shown = 0
        self._seen_size = -1
        self._is_lost = False  #: the file is no longer what was opened
        self._is_displaced = False  #: another file, or none, stands at its path
        self._is_ordered = True  #: no record's time is before that of the one above it
        self._peaks = array("d")
        self._last = (0, 0.0)  # of so many lines, the recording time of the last one

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

    @property
    def bytes_known(self) -> int:
        """As far as the file has been read."""
        return self._ends.start(self._checked)

    @property
    def bytes_found(self) -> int:
        """As far as it is known where its lines end."""
        return self._ends.found

    @property
    def bytes_written(self) -> int:
        """As far as the file has been read, too: what its writer still holds back is not known here."""
        return self.bytes_known

    @property
    def expected(self) -> int:
        """How many records the lines found so far will be, if none of those that wait is damaged."""
        return self.known + len(self._ends) - self._checked

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
        while self.find_on(float("inf")):
            pass
        missing = self.bytes_total() - self._ends.found
        if missing <= 0 or self._is_lost or self._checked < len(self._ends):
            return None  # nothing, or whole lines, are waiting
        return Problem(self._line_number + 1, f"the last line is cut: {missing:,} bytes without an end")

    def number_at(self, elapsed: float) -> int:
        """The first known record after this recording time; `known` when there is none.

        A clock that jumped back is read as standing still: a record counts as no earlier than those above it.
        """
        if self._is_ordered:
            return bisect_right(self._elapsed, elapsed)
        if len(self._peaks) != self.known:
            self._peaks = array("d", accumulate(self._elapsed, max))
        return bisect_right(self._peaks, elapsed)

    def last_elapsed(self) -> float:
        """Recording time of the last record as far as lines are found; 0 when there is none."""
        last = self._elapsed[-1] if self._elapsed else 0.0
        count = len(self._ends)
        if self._checked == count:
            return last
        if self._last[0] != count:
            times = (
                self._time_of(line) for line in range(count - 1, max(self._checked, count - _LOOKS) - 1, -1)
            )
            self._last = count, next((time for time in times if time < inf), last)
        return max(last, self._last[1])

    def _time_of(self, line: int) -> float:
        """Recording time of a line; infinite where it cannot be read."""
        begin = self._ends.start(line)
        size = self._ends.start(line + 1) - begin
        if size <= _LARGEST_LINE:
            with suppress(ValueError, OSError):
                return from_line(os.pread(self._descriptor, size - 1, begin)).elapsed
        return inf

    # Reading on -----------------------------------------------------------------------------------------

    def find_on(self, seconds: float) -> bool:
        """Find where the lines end that follow, for at most this time; whether more of them may follow.

        Nothing becomes known by it; `expected` counts what was found.
        """
        try:
            return self._ends.find_on(self._size_now(), perf_counter() + seconds)
        except OSError as error:
            self._lose(f"it can no longer be read: {error.strerror}")
            return False

    def read_on(self, seconds: float) -> int:
        """Take lines that have not been read yet, for at most this time; how many, 0 for nothing new.

        Only whole lines are taken, and each makes a record known; a damaged one is a problem, and is skipped.
        One line is read whole, however large it is.
        """
        before = self._checked
        end = perf_counter() + seconds
        try:
            size = self._size_now()
            while size and self._has_line(size) and self._check_block(end):
                pass
            if self._checked == before and not self._is_lost:
                self._look_at_path()
        except OSError as error:
            self._lose(f"it can no longer be read: {error.strerror}")
        return self._checked - before

    def _has_line(self, size: int) -> bool:
        """Whether a whole line waits to be taken."""
        ends = self._ends
        while self._checked == len(ends):
            if not ends.find_on(size, 0.0) and self._checked == len(ends):
                return False
        return True

    def _size_now(self) -> int:
        """Bytes of the file; 0 once it is closed or lost, also when that is found now."""
        if self._descriptor < 0 or self._is_lost:
            return 0
        size = os.fstat(self._descriptor).st_size
        if size != self._seen_size and not self._is_as_opened(size):
            return 0
        self._seen_size = size
        return size

    def _check_block(self, end: float) -> bool:
        """Take the lines of one block; False when time is up, or the file became shorter meanwhile."""
        first, ends = self._checked, self._ends
        bounds = ends.between(first, ends.stop(first, len(ends), _BLOCK))
        begin, size = bounds[0], bounds[-1] - bounds[0]
        if size > _LARGEST_LINE:
            self._skip(f"it is too large to be read: {size:,} bytes")
            return perf_counter() < end
        block = os.pread(self._descriptor, size, begin)
        if len(block) < size:
            return False
        for number, (start, after) in enumerate(pairwise(bounds), start=1):
            self._take(block[start - begin : after - begin - 1])
            if not number % _CHECKED and perf_counter() >= end:
                return False
        return perf_counter() < end

    @property
    def _line_number(self) -> int:
        """The line of the file that was read last, from 1; the header is the first."""
        return self._checked + 1

    def _take(self, line: bytes) -> None:
        try:
            session, direction, kind, wall, elapsed, payload, _ = from_line(line)
            if not 0 <= session <= MAX_SESSION:
                raise ValueError(f"not a record: conn {session} is out of range")
            self._wall.append(wall)
        except (ValueError, OverflowError) as error:
            self._skip(str(error))
            return
        self._checked += 1
        times = self._elapsed
        number = _own_number(line)
        if number >= 0 <= self._next != number:
            self.holes.add(len(times))
        self._next = number + 1 if number >= 0 else -1
        if times and elapsed < times[-1]:
            self._is_ordered = False
        self._sizes.append(len(payload))
        self._labels.append(session << 8 | LABEL[direction, kind])
        times.append(elapsed)

    def _skip(self, reason: str) -> None:
        self._checked += 1
        self._gaps.append(self.known)
        self._note(self._line_number, reason)
        self.holes.add(self.known)
        self._next = -1

    def _is_as_opened(self, size: int) -> bool:
        self._ends.cut(max(size, self.bytes_known))
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
            self._note(self._line_number, "the file was removed; what it said stays readable here")
        else:
            if (there.st_dev, there.st_ino) != (mine.st_dev, mine.st_ino):
                self._is_displaced = True
                self._note(self._line_number, "another file took its place; this is still the old one")

    def _lose(self, reason: str) -> None:
        self._is_lost = True
        self._ends.cut(self.bytes_known)
        self._note(self._line_number, reason)

    def _note(self, line: int, reason: str) -> None:
        self.damaged += 1
        if len(self.problems) < _MAX_PROBLEMS:
            self.problems.append(Problem(line, reason))

    # Reading back ---------------------------------------------------------------------------------------

    def _span(self, number: int) -> tuple[int, int]:
        line = number + bisect_right(self._gaps, number)
        return self._ends.start(line), self._ends.start(line + 1)

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
        ends, gaps = self._ends, self._gaps
        stop = min(stop, self.known)
        while start < stop:
            skipped = bisect_right(gaps, start)
            # up to the next damaged line, records stand one behind the other
            until = min(stop, gaps[skipped]) if skipped < len(gaps) else stop
            first = start + skipped
            bounds = ends.between(first, ends.stop(first, until + skipped, _BLOCK))
            begin = bounds[0]
            block = b""  # where the disk fails every record of the block is gone
            with suppress(OSError):
                block = os.pread(self._descriptor, bounds[-1] - begin, begin)
            for line_start, line_end in pairwise(bounds):
                try:
                    yield from_line(block[line_start - begin : line_end - begin - 1])
                except ValueError:
                    yield self._stand_in(start)
                start += 1

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
