"""Rows of the event list by number: which record, which run of deltas, or which silence a row shows.

Its one rule: memory is a few numbers a row and only where rows differ from records. Without filter and fold
only silences are kept; with one of them, where each row begins and ends. It grows a slice of time at a time.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from time import perf_counter
from typing import NamedTuple

from sessions.contract import DELTAS
from sessions.reducer import Sessions
from sessions.summary import Log

SILENCE_SECONDS = 1.0
_CHECKED = 256  # records between two looks at the clock


class Place(NamedTuple):
    """What one row shows: records first to last, or the silence before `first`."""

    first: int
    last: int
    is_silence: bool = False

    @property
    def folded(self) -> int:
        """How many records stand in this row."""
        return self.last - self.first + 1


class Index:
    """Rows over the records of a log; `advance` takes up what arrived."""

    def __init__(
        self,
        log: Log,
        sessions: Sessions,
        test: Callable[[int], bool] | None = None,
        is_folded: bool = False,
        within: Callable[[int], bool] | None = None,
    ) -> None:
        """`within` says which records there are at all, `test` which of them are shown."""
        self._log = log
        self._sessions = sessions
        self._test = test
        self._within = within
        self._previous = -1  # the newest record that is within
        self._is_folded = is_folded
        self.looked_at = 0  #: records taken up so far
        self.matching = 0  #: of these, the ones that are shown
        self._silences = array("q")  # records with a silence before them, where rows are records
        self._first = array("q")
        self._last = array("q")
        self._sizes = array("q")  # bytes of the records of each row, where runs are folded

    @property
    def is_listed(self) -> bool:
        """Whether rows are kept one by one, because not every record has its own."""
        return self._test is not None or self._within is not None or self._is_folded

    def __len__(self) -> int:
        return len(self._first) if self.is_listed else self.looked_at + len(self._silences)

    @property
    def behind(self) -> int:
        """Records that were not taken up yet."""
        return len(self._log) - self.looked_at

    def turn_back(self, sessions: Sessions) -> bool:
        """Keep the rows of records that the log still has, for another state; False where rows are listed."""
        if self.is_listed:
            return False
        self._sessions = sessions
        self.looked_at = self.matching = min(self.looked_at, len(self._log))
        del self._silences[bisect_left(self._silences, self.looked_at) :]
        return True

    def advance(self, seconds: float) -> int:
        """Take up records until the time is over; returns the first row that is new or reads differently."""
        end = perf_counter() + seconds
        before = len(self)
        dirty = before
        total = len(self._log)
        while self.looked_at < total:
            stop = min(total, self.looked_at + (_CHECKED if self._test is None else 16))
            if self.is_listed:
                if self._list(stop):
                    dirty = min(dirty, before - 1)
            else:
                self._note_silences(stop)
            if perf_counter() >= end:
                break
        return max(0, dirty)

    def _note_silences(self, stop: int) -> None:
        elapsed_at = self._log.elapsed_at
        before = elapsed_at(self.looked_at - 1) if self.looked_at else elapsed_at(0)
        for number in range(self.looked_at, stop):
            at = elapsed_at(number)
            if at - before > SILENCE_SECONDS:
                self._silences.append(number)
            before = at
        self.looked_at = self.matching = stop

    def _list(self, stop: int) -> bool:
        test, within, elapsed_at = self._test, self._within, self._log.elapsed_at
        is_folded = self._is_folded
        grew_last = False
        for number in range(self.looked_at, stop):
            if within is not None and not within(number):
                continue
            previous, self._previous = self._previous, number
            if test is not None and not test(number):
                continue
            self.matching += 1
            is_after_silence = previous >= 0 and elapsed_at(number) - elapsed_at(previous) > SILENCE_SECONDS
            if is_folded and not is_after_silence and self._continues(number):
                self._last[-1] = number
                self._sizes[-1] += self._log.size_at(number)
                grew_last = True
                continue
            if is_after_silence:
                self._first.append(number)
                self._last.append(-1 - previous)  # below zero: no record, but a silence since this one
            self._first.append(number)
            self._last.append(number)
            if is_folded:
                self._sizes.extend((0, self._log.size_at(number))[not is_after_silence :])
        self.looked_at = stop
        return grew_last

    def _continues(self, number: int) -> bool:
        """Whether a record is one more delta of the run in the last row."""
        if not self._last or self._last[-1] != number - 1:
            return False
        types, turns = self._sessions.type_column, self._sessions.turn_column
        return (
            types[number] == types[number - 1]
            and turns[number] == turns[number - 1]
            and self._sessions.type_at(number) in DELTAS
        )

    def place(self, row: int) -> Place:
        """What a row shows; raises IndexError when there is no such row."""
        if not 0 <= row < len(self):
            raise IndexError(row)
        if self.is_listed:
            first, last = self._first[row], self._last[row]
            return Place(first, first, True) if last < 0 else Place(first, last)
        silences = self._silences
        before = bisect_right(range(len(silences)), row, key=lambda at: silences[at] + at)
        if before and silences[before - 1] + before - 1 == row:
            first = silences[before - 1]
            return Place(first, first, True)
        return Place(row - before, row - before)

    def size(self, row: int) -> int:
        """How many bytes the records of a row have together; raises IndexError when there is no such row."""
        return self._sizes[row] if self._is_folded else self._log.size_at(self.place(row).first)

    def silence(self, row: int) -> float:
        """How long the silence in this row is, in seconds; raises IndexError when there is no such row."""
        first = self.place(row).first
        before = -1 - self._last[row] if self.is_listed else first - 1
        return self._log.elapsed_at(first) - self._log.elapsed_at(before)

    def row_of(self, record: int) -> int | None:
        """The row that shows this record; None while it is not taken up, or when it is filtered out."""
        if record >= self.looked_at or record < 0:
            return None
        if not self.is_listed:
            return record + bisect_right(self._silences, record)
        at = bisect_right(self._first, record) - 1
        if at >= 0 and self._last[at] >= 0 and self._first[at] <= record <= self._last[at]:
            return at
        return None

    def nearest_row(self, record: int) -> int | None:
        """The row of this record, else of the first shown after it, else the last; None without rows."""
        exact = self.row_of(record)
        if exact is not None or not len(self):
            return exact
        if not self.is_listed:
            return len(self) - 1
        return min(bisect_left(self._first, record), len(self) - 1)
