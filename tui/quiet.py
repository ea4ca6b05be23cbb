"""When the loop has nothing else to do, so that what is timed on it is not our own work.

Its one rule: it waits a short while at most; a loop that never comes to rest is no reason to do nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_LOOK_SECONDS = 0.01
_LATE_SECONDS = 0.002  # a loop at rest wakes whoever sleeps in less
_LOOKS = 40
_ENOUGH = 3  # looks in a row; the pieces of a first picture have gaps between them


async def quiet(clock: Callable[[], float] | None = None, looks: int = _LOOKS) -> bool:
    """Wait until the loop wakes a sleeper in time, several times in a row; False when it never did.

    `clock` tells seconds, the loop's own when none is given; it looks so many times at most.
    """
    clock = clock or asyncio.get_running_loop().time
    in_time = 0
    for _ in range(looks):
        due = clock() + _LOOK_SECONDS
        await asyncio.sleep(_LOOK_SECONDS)
        in_time = in_time + 1 if clock() - due < _LATE_SECONDS else 0
        if in_time == _ENOUGH:
            return True
    return False
