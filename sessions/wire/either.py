"""WebSocket first, HTTP where that is not to be had: opportunistic, as gateways do it for the Codex back end.

Its one rule: it falls back before anything was sent and never after, so no turn can run twice. What failed,
and what finding out cost, is part of the HTTP session's first record; from then on the session stays there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

from sessions.contract import POLICY_SECONDS, FailureClass
from sessions.errors import ConnectError
from sessions.records import Record
from sessions.source import Clock
from sessions.wire.clock import SystemClock
from sessions.wire.connect import connect
from sessions.wire.http_stream import Fallback, HttpStream
from sessions.wire.plan import Plan

#: failures that a POST to the same address need not have; a name, a key or a throttle it would have, too
FALLS_BACK = frozenset(
    {
        FailureClass.UPGRADE_REQUIRED,
        FailureClass.FORBIDDEN,
        FailureClass.NOT_FOUND,
        FailureClass.HTTP_STATUS,
        FailureClass.UPGRADE_SILENT,
        FailureClass.POLICY_CLOSE,
        FailureClass.CLOSED,
        FailureClass.PROTOCOL,
    }
)
#: how long a fresh socket may take to say by its end that it was not meant; a create waits for it
SETTLE_SECONDS = 0.25
_POLICY, _LOST = 1008, 1006
_PROXY_LOGIN = 407


class EitherWay:
    """One session as a `Live` source: a socket, or HTTP once the socket was not to be had."""

    def __init__(self, plan: Plan, clock: Clock | None = None) -> None:
        self.plan = plan
        self._clock = clock or SystemClock()
        self._began = self._clock.elapsed()
        self._socket = connect(replace(plan, transport="ws"), clock=self._clock)
        self._http: HttpStream | None = None
        self._open: Record | None = None
        self._settling = asyncio.Lock()
        self._is_settled = False
        self._has_sent = self._is_given_up = False

    @property
    def is_open(self) -> bool:
        """Whether a message can be sent now."""
        return self._http.is_open if self._http is not None else self._socket.is_open

    async def __aiter__(self) -> AsyncIterator[Record]:
        async for batch in self.batches():
            for record in batch:
                yield record

    async def batches(self) -> AsyncIterator[tuple[Record, ...]]:
        """All records that came since the last look: those of the socket, then those over HTTP."""
        async for batch in self._socket.batches():
            yield batch
        await self._settle()
        if self._http is not None:
            async for batch in self._http.batches():
                yield batch

    async def opened(self) -> Record:
        """Wait until it is clear which way is open; raises ConnectError for what HTTP would meet, too."""
        await self._settle()
        if self._http is not None:
            return await self._http.opened()
        return await self._socket.opened()

    async def send(self, payload: str | bytes) -> None:
        """Send one message the way that is open; raises as that way does."""
        await self._settle()
        self._has_sent = True
        await (self._http or self._socket).send(payload)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """End the session, whichever way it speaks; gives up an opening."""
        self._is_given_up = True
        await self._socket.close(code, reason)
        if self._http is not None:
            await self._http.close(code, reason)

    async def aclose(self) -> None:
        """End the session, unless it has ended; records already made can still be read."""
        await self.close()

    async def stop(self) -> None:
        """Stop what runs: over HTTP its requests, else the socket, as there is no other way."""
        await (self._http or self._socket).stop()

    async def _settle(self) -> None:
        """See once whether the socket is to be had."""
        async with self._settling:
            if self._is_settled:
                return
            failure = await self._failure()
            if failure is not None and _falls_back(failure) and not self._is_given_up:
                cost = round((self._clock.elapsed() - self._began) * 1000, 1)
                why = Fallback(failure.failure_class, failure.detail, cost)
                self._http = HttpStream(replace(self.plan, transport="http"), self._clock, why)
            self._is_settled = True

    async def _failure(self) -> ConnectError | None:
        """Why the socket is not to be had; None when it is."""
        try:
            opened = await self._socket.opened()
        except ConnectError as error:
            return error
        code = await self._socket.closed_within(SETTLE_SECONDS)
        is_at_once = self._clock.elapsed() - opened.elapsed <= POLICY_SECONDS + SETTLE_SECONDS
        if code is None or self._has_sent or not is_at_once:
            return None
        await self._socket.close()  # its last records come before those of HTTP
        found = FailureClass.POLICY_CLOSE if code == _POLICY else FailureClass.CLOSED
        how = "it ended without a close frame" if code == _LOST else str(code)
        return ConnectError(found, f"{how} right after the 101")


def _falls_back(failure: ConnectError) -> bool:
    return failure.failure_class in FALLS_BACK and failure.status != _PROXY_LOGIN
