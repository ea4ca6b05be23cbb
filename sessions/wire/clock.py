"""The two times of a moment, as the machine tells them; the only clock that records of live sockets use."""

from __future__ import annotations

import time


class SystemClock:
    """Wall time from the system, elapsed time from its monotonic clock; elapsed starts at 0 here."""

    __slots__ = ("_began",)

    def __init__(self) -> None:
        self._began = time.monotonic_ns()

    def wall(self) -> int:
        """Microseconds since the epoch, UTC."""
        return time.time_ns() // 1000

    def elapsed(self) -> float:
        """Monotonic seconds since this clock was made, in whole microseconds."""
        return (time.monotonic_ns() - self._began) // 1000 / 1_000_000
