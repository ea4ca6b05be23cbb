"""Rows that match, found a slice of time at a time, nearest first.

Its one rule: `advance` returns when its time is up, so a search through a million rows never holds a key.
It knows rows by number only; what a match is, the caller's predicate says.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from time import perf_counter


class Search:
    """One search: from `anchor` to the end first, then from the start to the anchor."""

    def __init__(self, needle: str, anchor: int, is_match: Callable[[int], bool]) -> None:
        self.needle = needle
        self.anchor = max(0, anchor)
        self._is_match = is_match
        self._after = array("q")
        self._before = array("q")
        self._next_after = self.anchor
        self._next_before = 0

    def __len__(self) -> int:
        return len(self._after) + len(self._before)

    def is_complete(self, count: int) -> bool:
        """Whether all of `count` rows have been looked at."""
        return self._next_after >= count and self._next_before >= min(self.anchor, count)

    def progress(self, count: int) -> float:
        """The share of rows looked at, from 0 to 1."""
        looked = self._next_after - self.anchor + self._next_before
        return min(1.0, looked / count) if count else 1.0

    def advance(self, count: int, seconds: float) -> None:
        """Look at rows until the time is up or all `count` rows are done; at least one row is looked at."""
        end = perf_counter() + seconds
        is_match = self._is_match
        while self._next_after < count:
            if is_match(self._next_after):
                self._after.append(self._next_after)
            self._next_after += 1
            if perf_counter() >= end:
                return
        last = min(self.anchor, count)
        while self._next_before < last:
            if is_match(self._next_before):
                self._before.append(self._next_before)
            self._next_before += 1
            if perf_counter() >= end:
                return

    def rank(self, row: int) -> int:
        """The place of a matching row among those found, from 1; 0 when it is none of them."""
        rows, offset = (self._before, 0) if row < self.anchor else (self._after, len(self._before))
        place = bisect_left(rows, row)
        return offset + place + 1 if place < len(rows) and rows[place] == row else 0

    def following(self, row: int, count: int) -> int | None:
        """The first match after this row, going round at the end; None while there is none or none known."""
        if row < self.anchor:
            place = bisect_right(self._before, row)
            if place < len(self._before):
                return self._before[place]
            if row < self.anchor - 1 and self._next_before < min(self.anchor, count):
                return None
            row = self.anchor - 1
        place = bisect_right(self._after, row)
        if place < len(self._after):
            return self._after[place]
        if self._next_after < count:
            return None
        if self._before:
            return self._before[0]
        if self._next_before < min(self.anchor, count):
            return None
        return self._after[0] if self._after else None

    def preceding(self, row: int, count: int) -> int | None:
        """The last match before this row, round the start; None while there is none or none known."""
        if row > self.anchor:
            place = bisect_left(self._after, row)
            if place and (self._next_after >= row or self._next_after >= count):
                return self._after[place - 1]
            if self._next_after < min(row, count):
                return None
            row = self.anchor
        if not self.is_complete(count):
            return None
        place = bisect_left(self._before, row)
        if place:
            return self._before[place - 1]
        if self._after:
            return self._after[-1]
        return self._before[-1] if self._before else None
