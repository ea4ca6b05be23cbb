"""Two connections joined: the bytes of each are handed to the other at once, unchanged, and then copied.

Its one rule: write first. Whoever reads the copy comes after the bytes have gone on, and can neither change
nor hold them. How TCP ends is passed on as well: a half close as a half close, a reset as a reset.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from hashlib import blake2b
from typing import NamedTuple, cast

from sessions.records import Direction
from sessions.wire.stream import ByteStream

_DIGEST_BYTES = 16
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 seconds: close with a reset


class How(StrEnum):
    """How a splice came to its end."""

    FINISHED = "finished"  #: one side ended its half
    RESET = "reset"  #: one side broke the connection
    STOPPED = "stopped"  #: we were told to stop


class Ending(NamedTuple):
    """What ended first, and how."""

    direction: Direction  #: of the side that ended: CLIENT, SERVER, or LOCAL when we stopped
    how: How
    detail: str = ""


class Way:
    """One direction: what was read on one side, what the other side's transport was handed."""

    def __init__(self, direction: Direction) -> None:
        self.direction = direction
        self.target: asyncio.WriteTransport
        self.count = 0  #: bytes read
        self.read = blake2b(digest_size=_DIGEST_BYTES)
        self.written = blake2b(digest_size=_DIGEST_BYTES)

    @property
    def is_identical(self) -> bool:
        """Whether exactly what was read was handed on, as far as two digests can tell."""
        return self.read.digest() == self.written.digest()

    def carry(self, chunk: bytes) -> None:
        """Pass a chunk on. This is the step that the two digests watch."""
        self.hand(chunk)

    def hand(self, chunk: bytes) -> None:
        """Hand bytes to the transport of the other side; their digest is taken here."""
        self.target.write(chunk)
        self.written.update(chunk)


class _Side(asyncio.Protocol):
    """One of the two connections."""

    def __init__(self, splice: Splice, stream: ByteStream, way: Way) -> None:
        self.splice = splice
        self.way = way
        self.other: _Side
        self.transport = stream.transport
        self.is_tls = stream.transport.get_extra_info("ssl_object") is not None
        self.has_ended = False  #: it will send no more
        self.is_lost = False
        self._pauses: set[str] = set()

    def data_received(self, data: bytes) -> None:
        way = self.way
        way.carry(data)
        way.read.update(data)
        way.count += len(data)
        self.splice.copied(way.direction, data)

    def eof_received(self) -> bool:
        self.has_ended = True
        self.splice.note_end(Ending(self.way.direction, How.FINISHED))
        other = self.other.transport
        if other.can_write_eof():
            with suppress(OSError):  # it broke in the same moment, and will say so itself
                other.write_eof()
        else:
            other.close()  # TLS has no half close here
        if self.other.has_ended:
            self.transport.close()
            other.close()
        return not self.is_tls

    def connection_lost(self, exc: Exception | None) -> None:
        self.has_ended = self.is_lost = True
        how = How.RESET if exc else How.FINISHED
        self.splice.note_end(Ending(self.way.direction, how, str(exc or "")))
        if not self.other.is_lost:
            if exc is not None:
                break_off(self.other.transport)
            else:
                self.other.transport.close()
        self.splice.note_lost()

    def pause_writing(self) -> None:
        self.other.pause("the other side is slow")

    def resume_writing(self) -> None:
        self.other.resume("the other side is slow")

    def pause(self, reason: str) -> None:
        """Read no more, for one reason."""
        if not self._pauses:
            self.transport.pause_reading()
        self._pauses.add(reason)

    def resume(self, reason: str) -> None:
        """Read on, unless there is another reason not to."""
        if reason in self._pauses:
            self._pauses.remove(reason)
            if not self._pauses:
                self.transport.resume_reading()


def break_off(transport: asyncio.Transport) -> None:
    """Break a connection as the one behind it was broken, with a reset; what waits to be sent goes first."""
    own = cast(socket.socket | None, transport.get_extra_info("socket"))
    if own is not None and not transport.is_closing():
        with suppress(OSError):  # a unix socket, or one that is gone already
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    if transport.get_write_buffer_size():
        transport.close()
    else:
        transport.abort()


class Splice:
    """A client's connection and a server's, joined until both have ended.

    `copied` is called with every chunk after it was handed on; `finished` when both connections are over.
    """

    def __init__(
        self,
        client: ByteStream,
        server: ByteStream,
        copied: Callable[[Direction, bytes], None],
        *,
        way: type[Way] = Way,
    ) -> None:
        self.copied = copied
        self.ending: Ending | None = None
        self.client_way = way(Direction.CLIENT)
        self.server_way = way(Direction.SERVER)
        self._streams = (client, server)
        self._client = _Side(self, client, self.client_way)
        self._server = _Side(self, server, self.server_way)
        self._client.other, self._server.other = self._server, self._client
        self.client_way.target, self.server_way.target = self._server.transport, self._client.transport
        self._finished = asyncio.get_running_loop().create_future()

    def start(self) -> None:
        """Join the two; what one of them has sent already goes on first, and so does an end that came."""
        sides = (self._client, self._server)
        for side, stream in zip(sides, self._streams, strict=True):
            side.transport.set_protocol(side)
            if stream.is_write_paused:
                side.pause_writing()
        for side, stream in zip(sides, self._streams, strict=True):
            if waiting := stream.take():
                side.data_received(waiting)
        for side, stream in zip(sides, self._streams, strict=True):
            if stream.is_lost:
                side.connection_lost(stream.error)
            elif stream.is_ended:
                side.eof_received()

    async def finished(self) -> None:
        """Wait until both connections are over."""
        await asyncio.shield(self._finished)

    def pause(self, reason: str) -> None:
        """Read nothing more from either side, for one reason; TCP tells the senders."""
        self._client.pause(reason)
        self._server.pause(reason)

    def resume(self, reason: str) -> None:
        """Read on, as far as this reason is concerned."""
        self._client.resume(reason)
        self._server.resume(reason)

    def stop(self) -> None:
        """End both connections; what waits to be sent still goes."""
        self.note_end(Ending(Direction.LOCAL, How.STOPPED))
        for side in (self._client, self._server):
            side.transport.close()

    def abort(self) -> None:
        """End both connections at once, whatever still waits."""
        self.note_end(Ending(Direction.LOCAL, How.STOPPED))
        for side in (self._client, self._server):
            if not side.is_lost:  # asyncio fails on one that is
                side.transport.abort()

    def note_end(self, ending: Ending) -> None:
        """Remember what ended first."""
        if self.ending is None:
            self.ending = ending

    def note_lost(self) -> None:
        """Look whether both connections are over."""
        if self._client.is_lost and self._server.is_lost and not self._finished.done():
            self._finished.set_result(None)
