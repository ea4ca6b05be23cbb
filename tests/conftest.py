"""Fixtures that every test may ask for: a clock moved by hand, and the folder of golden recordings.

No fixture here sleeps, opens a socket or replaces code of ours.
"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from hypothesis import settings

from tests.make import WALL

settings.register_profile("house", deadline=None)  # a shared machine is slow now and then
settings.load_profile("house")

# Tests that run in the background have these ignored, and so would every program that they start.
for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)


class HandClock:
    """A `sessions.source.Clock` that stands still until a test moves it."""

    def __init__(self, wall: int = WALL, elapsed: float = 0.0) -> None:
        self._wall = wall
        self._elapsed = elapsed

    def wall(self) -> int:
        """Microseconds since the epoch, UTC."""
        return self._wall

    def elapsed(self) -> float:
        """Monotonic seconds since the recording began."""
        return self._elapsed

    def move(self, seconds: float) -> None:
        """Let this much time pass, on both scales."""
        self._wall += round(seconds * 1_000_000)
        self._elapsed += seconds


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes by their length: what is packed anew has another time in it, and ids must not change.

    Workers that collect different ids run nothing at all.
    """
    return f"{argname}:{len(val)}-bytes" if isinstance(val, bytes) and not val.isascii() else None


@pytest.fixture
def clock() -> HandClock:
    """A clock that stands still until the test moves it."""
    return HandClock()


@pytest.fixture
def golden() -> Path:
    """The folder of golden recordings."""
    return Path(__file__).parent / "golden"
