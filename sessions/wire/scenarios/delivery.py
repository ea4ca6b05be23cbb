"""Sends the units of turns over one socket: paced, many to a write, fair between lanes.

Its one rule: an ending that a unit asks for is final; nothing is sent after it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator

from sessions.wire.scenarios.log import Visit
from sessions.wire.scenarios.options import Options
from sessions.wire.scenarios.socket import Socket
from sessions.wire.scenarios.units import (
    Abort,
    Batch,
    Close,
    Deltas,
    Event,
    Hang,
    Pause,
    Payload,
    Pieces,
    Unit,
    encode,
    is_delta,
)

#: how long a client may take to answer a close frame
CLOSE_SECONDS = 2.0
_BREATH = 64  # events between two looks at the other lanes
_CATCH_UP_SECONDS = 0.25  # a late writer makes up for this much, not for more


class Delivery:
    """What one connection sends."""

    def __init__(self, socket: Socket, options: Options, visit: Visit) -> None:
        self._socket = socket
        self._options = options
        self._visit = visit
        self.deadline: asyncio.Timeout | None = None  #: of the whole connection

    async def tell(self, units: Iterator[Unit]) -> None:
        """Send all units of one response, at the rate of the options."""
        clock = asyncio.get_running_loop().time
        rate = self._options.rate
        due = clock()
        since_breath = 0
        for unit in units:
            # A unit has its number already, and steering is answered while this waits: first send, then wait.
            if not await self._put(unit):
                return
            if isinstance(unit, Pause):
                due = clock()  # a pause that was asked for is not lateness to make up for
            since_breath += 1
            if isinstance(unit, Deltas) or since_breath >= _BREATH:
                since_breath = 0
                await self.flush()
                await asyncio.sleep(0)
            if rate and (is_delta(unit) or isinstance(unit, Deltas)):
                due = max(due + 1 / rate, clock() - _CATCH_UP_SECONDS)
                if (ahead := due - clock()) > 0.0005:
                    await self.flush()
                    await asyncio.sleep(ahead)
        await self.flush()

    async def _put(self, unit: Unit) -> bool:
        # False: the unit has ended the connection
        match unit:
            case Deltas():
                self.send_all(unit.payloads())
            case dict():
                self.send(unit)
            case Payload(content, is_binary):
                if is_binary:
                    if self._options.keep_frames and self._socket.is_open:
                        self._visit.sent.append(content)
                    self._socket.send_binary(content)
                else:
                    self.send_all([content])
            case Batch(contents):
                self.send_all(contents)
            case Pieces(pieces):
                self._socket.send_pieces(pieces)
            case Pause(seconds):
                await self.flush()
                await asyncio.sleep(seconds)
            case Hang():
                await self.flush()
                await asyncio.Event().wait()
            case Close(code, reason):
                self.close(code, reason)
                return False
            case Abort(is_reset):
                await self.flush()
                self._socket.abort(is_reset=is_reset)
                return False
        return True

    def send(self, event: Event) -> None:
        """Add one event to the next write."""
        self.send_all([encode(event)])

    def send_all(self, payloads: Iterable[bytes]) -> None:
        """Add text messages to the next write."""
        if self._options.keep_frames and self._socket.is_open:
            payloads = list(payloads)
            self._visit.sent.extend(payloads)
        self._socket.send_all(payloads)

    async def flush(self) -> None:
        """Write, and wait while the client is slow."""
        await self._socket.flush()

    def close(self, code: int | None, reason: str) -> None:
        """Send a close frame; a client that does not answer it is dropped."""
        self._socket.close(code, reason)
        self.end_in(CLOSE_SECONDS)

    def end_in(self, seconds: float) -> None:
        """End the connection at most this much later."""
        if self.deadline is None:
            return
        end = asyncio.get_running_loop().time() + seconds
        when = self.deadline.when()
        self.deadline.reschedule(end if when is None else min(when, end))
