"""Who may speak when: creates of one lane follow each other, lanes run side by side up to a limit.

Its one rule: first come, first served, among those whose lane is free.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple

from sessions.contract import MAX_IN_FLIGHT, MAX_LANES
from sessions.wire.scenarios import problem
from sessions.wire.scenarios.problem import Problem


class Waiting(NamedTuple):
    """A create that has arrived."""

    number: int  #: on its connection, from 1
    lane: str | None
    frame: Mapping[str, Any]


class Lanes:
    """The creates of one connection."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._busy: set[str | None] = set()
        self._waiting: deque[Waiting] = deque()

    def name(self, lane: str | None) -> Problem | None:
        """Note the name of a lane, for the life of the connection; the problem when it is one too many."""
        if lane is None or lane in self._names:
            return None
        if len(self._names) >= MAX_LANES:
            return problem.lane_limit()
        self._names.add(lane)
        return None

    @property
    def waiting(self) -> int:
        """How many creates wait for their turn."""
        return len(self._waiting)

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs and nothing waits."""
        return not self._busy and not self._waiting

    def add(self, waiting: Waiting) -> None:
        """Put a create at the end of the queue."""
        self._waiting.append(waiting)

    def next(self) -> Waiting | None:
        """The next create that may run, its lane taken; None when all have to wait."""
        if len(self._busy) >= MAX_IN_FLIGHT:
            return None
        for waiting in self._waiting:
            if waiting.lane not in self._busy:
                self._waiting.remove(waiting)
                self._busy.add(waiting.lane)
                return waiting
        return None

    def free(self, lane: str | None) -> None:
        """The response of this lane is over."""
        self._busy.discard(lane)
