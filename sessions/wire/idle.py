"""Connections that an answer has left in order, kept a moment for the next request.

Its one rule: none is used of which the other side has said anything since, its end or an error; so a request
leaves once, and nothing has to be tried again. It dials nothing.
"""

from __future__ import annotations

import asyncio

from sessions.source import Clock
from sessions.wire.stream import ByteStream

#: a connection that was idle for longer may be closed by the server while a request is on its way to it
IDLE_SECONDS = 4.0
MOST = 32  #: connections that are kept at one time


class Idle:
    """Kept connections to one address; the newest is used first."""

    def __init__(self, clock: Clock, seconds: float = IDLE_SECONDS) -> None:
        self._clock = clock
        self._seconds = seconds
        self._kept: dict[ByteStream, tuple[float, asyncio.TimerHandle]] = {}
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._kept)

    def take(self) -> ByteStream | None:
        """A connection that can carry a request now; None when one has to be dialled."""
        while self._kept:
            stream, (since, timer) = self._kept.popitem()
            timer.cancel()
            is_fresh = self._clock.elapsed() - since <= self._seconds
            if is_fresh and not stream.is_ended and not stream.take():
                return stream
            stream.close()
        return None

    def keep(self, stream: ByteStream) -> None:
        """Keep a connection for as long as it is worth it; it is closed then."""
        if self._is_closed or stream.is_ended:
            stream.close()
            return
        timer = asyncio.get_running_loop().call_later(self._seconds, self._drop, stream)
        self._kept[stream] = (self._clock.elapsed(), timer)
        while len(self._kept) > MOST:
            self._drop(next(iter(self._kept)))

    def close(self) -> None:
        """Let go of all of them; none is kept any more."""
        self._is_closed = True
        for stream in list(self._kept):
            self._drop(stream)

    def _drop(self, stream: ByteStream) -> None:
        if (kept := self._kept.pop(stream, None)) is not None:
            kept[1].cancel()
            stream.close()
