"""Where records come from: protocols that live sockets, files and replays fulfil; and the clock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from sessions.records import Record


class Clock(Protocol):
    """Two times of one moment; tests pass a clock that they move by hand."""

    def wall(self) -> int:
        """Microseconds since the epoch, UTC."""
        ...

    def elapsed(self) -> float:
        """Monotonic seconds since the recording began."""
        ...


class Source(Protocol):
    """An ordered stream of records that ends."""

    def __aiter__(self) -> AsyncIterator[Record]: ...

    async def aclose(self) -> None:
        """Let go of whatever stands behind it; records already made can still be read."""
        ...


class Live(Source, Protocol):
    """A source that can be spoken to.

    What is sent comes back as a CLIENT record when it is handed to the transport: one order, one path.
    """

    async def opened(self) -> Record:
        """Wait for the OPEN record; raises ConnectError when the opening was refused."""
        ...

    async def send(self, payload: str | bytes) -> None:
        """Send one text (str) or binary (bytes) message; raises ConnectError when the socket has ended."""
        ...

    async def stop(self) -> None:
        """Stop what runs: over HTTP its requests; a socket knows no other way than to close."""
        ...

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Start the closing handshake and wait for its end, at most a few seconds."""
        ...
