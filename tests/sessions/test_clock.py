"""The machine's clock has the right units and runs forward."""

from __future__ import annotations

import time

from sessions.wire.clock import SystemClock


def test_wall_is_microseconds_and_elapsed_starts_near_zero() -> None:
    clock = SystemClock()
    assert abs(clock.wall() / 1e6 - time.time()) < 5
    first, second = clock.elapsed(), clock.elapsed()
    assert 0 <= first <= second < 5


def test_a_recording_needs_no_more_digits_than_microseconds() -> None:
    clock = SystemClock()
    assert all(
        len(repr(clock.elapsed()).partition(".")[2]) <= 6 or clock.elapsed() < 1e-4 for _ in range(100)
    )
