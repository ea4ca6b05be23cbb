"""The feed: follows an inspector and tells the screen what happened, at most sixty times a second.

Its one rule: no batch is lost and none comes sooner than half a frame after the last. A loop that wakes it
late has other work to do, keys first, and is left alone for longer; between batches the feed waits and costs
nothing. It knows neither panes nor what a change means.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual.message import Message
from textual.message_pump import MessagePump

from sessions.inspector import Batch, Follower, Inspector

FRAME_SECONDS = 1 / 60
_SLOWEST_SECONDS = 1 / 10
_USUAL_SECONDS = 0.004  # so late is a loop that has only just painted
_BUSY = 2  # messages in the target's queue; while there are more, the log is the better queue


class SessionsChanged(Message):
    """Records arrived and changed the state; `batch` says which and how. Never replaced, never merged."""

    def __init__(self, inspector: Inspector, batch: Batch) -> None:
        self.inspector = inspector
        self.batch = batch
        super().__init__()


async def feed(
    inspector: Inspector,
    target: MessagePump,
    start: int = 0,
    follower: Follower | None = None,
    rest: Callable[[], float] = lambda: FRAME_SECONDS,
) -> None:
    """Post `SessionsChanged` to `target` until cancelled; `start` is the first record it has not seen.
    A `follower` that follows already stands in for it. `rest` says how long to rest between two batches.

    Run it as a worker of the screen. It stops by itself when the target no longer takes messages.
    """
    follower = follower or inspector.follow(start)
    clock = asyncio.get_running_loop().time
    pause, due = FRAME_SECONDS, 0.0
    try:
        while True:
            await follower.wait()
            due = max(due, clock() - FRAME_SECONDS / 2)  # what the last frame was late by is made up for
            if target.message_queue_size <= _BUSY:
                batch = follower.take()
                if batch.first != batch.last and not target.post_message(SessionsChanged(inspector, batch)):
                    return
            due = max(due + pause, clock())
            await asyncio.sleep(due - clock())
            late = clock() - due
            pause = max(rest(), min(_SLOWEST_SECONDS, FRAME_SECONDS + 2 * max(0.0, late - _USUAL_SECONDS)))
    finally:
        follower.close()
