"""What waits for a loop at rest: it goes on when sleepers are woken in time, and after a while anyway."""

from __future__ import annotations

from itertools import count

from tests.conftest import HandClock
from tui.quiet import quiet


async def test_a_loop_at_rest_lets_one_go_on() -> None:
    assert await quiet(HandClock().elapsed)


async def test_a_loop_that_never_comes_to_rest_is_waited_for_a_while_only() -> None:
    seconds = count()
    assert not await quiet(lambda: float(next(seconds)), looks=4)


async def test_one_moment_of_rest_is_not_enough() -> None:
    busy_at_last = iter([0.0, 0.0, 0.0, 0.0, 0.0, 1.0])
    assert not await quiet(lambda: next(busy_at_last), looks=3)
