"""The bytes of a dialled connection, before anyone speaks WebSocket on it.

Its one rule: no byte is read ahead and forgotten. Whoever takes the transport over takes what is left, too.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import cast

_PAUSE_BYTES = 65_536


class ByteStream(asyncio.Protocol):
    """A transport with a buffer that can be awaited; the buffer is bounded by pausing the transport."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._ended = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._is_paused = False
        self._room = asyncio.Event()
        self._room.set()
        self.keeps_half_open = False  #: whether we may go on writing when the other side has ended its half
        self.is_lost = False  #: whether the connection is over, both halves
        self._over = asyncio.Event()

    @property
    def error(self) -> Exception | None:
        """What broke the connection; None when it was not broken."""
        return self._error

    @property
    def is_write_paused(self) -> bool:
        """Whether more waits to be sent than the transport likes."""
        return not self._room.is_set()

    @property
    def transport(self) -> asyncio.Transport:
        """The transport below; changes once, when TLS starts."""
        assert self._transport is not None
        return self._transport

    @property
    def is_ended(self) -> bool:
        """Whether the other side has ended the stream."""
        return self._ended

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) > _PAUSE_BYTES and not self._is_paused:
            self.transport.pause_reading()
            self._is_paused = True
        self._wake()

    def eof_received(self) -> bool:
        self._ended = True
        self._over.set()
        self._wake()
        return self.keeps_half_open

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = self.is_lost = True
        self._error = exc
        self._over.set()
        self._room.set()
        self._wake()

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    def write(self, data: bytes) -> None:
        """Hand bytes to the transport."""
        self.transport.write(data)

    async def over(self) -> None:
        """Wait until the other side has ended its half, or the connection is lost; what came stays here."""
        await self._over.wait()

    async def send(self, data: bytes) -> None:
        """Hand bytes to the transport, and wait while it has too many; raises OSError when it is lost."""
        if self.is_lost:
            raise self._error or ConnectionResetError("the connection has ended")
        self.transport.write(data)
        await self._room.wait()
        if self.is_lost:
            raise self._error or ConnectionResetError("the connection has ended")

    def close(self) -> None:
        """Drop the connection at once; safe to call twice."""
        if self._transport is not None and not self.is_lost:
            self._transport.abort()

    @property
    def has_halves(self) -> bool:
        """Whether either side can end its half alone; a connection with TLS has none."""
        return self.transport.can_write_eof()

    def end_half(self) -> bool:
        """End our half of it, once what waits has been sent; False where that cannot be done any more."""
        try:
            self.transport.write_eof()
        except OSError:  # it is broken; whoever reads it will be told how
            return False
        return True

    async def start_tls(self, context: ssl.SSLContext, server_hostname: str) -> None:
        """Put TLS on top; raises what the handshake raises (ssl.SSLError, OSError)."""
        loop = asyncio.get_running_loop()
        transport = await loop.start_tls(self.transport, self, context, server_hostname=server_hostname)
        if transport is None:
            raise ConnectionResetError("the connection ended during the TLS handshake")
        self._transport = transport

    async def read_some(self) -> bytes:
        """The bytes that are there, or the next that come; empty at the end of the stream.

        Raises OSError when the connection broke.
        """
        while not self._buffer and not self._ended:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if not self._buffer and self._error is not None:
            raise self._error
        return self.take()

    def put_back(self, data: bytes) -> None:
        """Return bytes that were read too far."""
        self._buffer[:0] = data

    def take(self) -> bytes:
        """Everything that was received and not yet read."""
        data = bytes(self._buffer)
        self._buffer.clear()
        if self._is_paused:
            self._is_paused = False
            self.transport.resume_reading()
        return data

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
