"""The server's end of one WebSocket connection over a stream.

Its one rule: websockets' sans-I/O protocol reads every frame and answers pings and closes; outgoing text is
framed here, many messages to one write, because a benchmark needs more than one message per system call.
"""

from __future__ import annotations

import asyncio
import socket as sockets
import struct
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from typing import NamedTuple

from websockets.extensions import Extension
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

_READ_BYTES = 1 << 16
_FLUSH_BYTES = 1 << 16


class Message(NamedTuple):
    """One whole message of the client."""

    payload: bytes
    is_text: bool


class _Frames(ServerProtocol):
    """Frames after the handshake; can be told not to answer pings."""

    is_mute = False

    def send_frame(self, frame: Frame) -> None:
        if not (self.is_mute and frame.opcode is Opcode.PONG):
            super().send_frame(frame)


class Socket:
    """Messages in and out of one upgraded connection."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        extensions: list[Extension],
        *,
        max_bytes: int,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._frames = _Frames(state=OPEN, max_size=max_bytes)
        self._frames.extensions = extensions
        self._buffer: list[bytes] = []
        self._buffered = 0
        self.sent = 0  #: messages

    # In -----------------------------------------------------------------------------------------------

    async def messages(self, first: bytes = b"") -> AsyncIterator[Message]:
        """The client's messages until the connection ends; `first` are bytes that came with the upgrade."""
        pieces: list[bytes] = []
        opcode = Opcode.TEXT
        received = first or await self._reader.read(_READ_BYTES)
        while received:
            self._frames.receive_data(received)
            self._write_answers()
            for frame in self._frames.events_received():
                assert isinstance(frame, Frame)  # the handshake is over
                if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
                    opcode, pieces = frame.opcode, []
                elif frame.opcode is not Opcode.CONT:
                    continue
                pieces.append(bytes(frame.data))
                if frame.fin:
                    yield Message(b"".join(pieces), opcode is Opcode.TEXT)
            if self._frames.eof_sent:
                return
            received = await self._reader.read(_READ_BYTES)
        self._frames.receive_eof()
        self._write_answers()

    # Out ----------------------------------------------------------------------------------------------

    def send(self, payload: bytes) -> None:
        """Add one text message to the next write."""
        self.send_all((payload,))

    def send_all(self, payloads: Iterable[bytes]) -> None:
        """Add text messages to the next write; nothing once the connection is closing."""
        if self._frames.state is not OPEN:
            return
        if self._frames.extensions:
            for payload in payloads:
                self._add(
                    Frame(Opcode.TEXT, payload).serialize(mask=False, extensions=self._frames.extensions)
                )
                self.sent += 1
            return
        for payload in payloads:
            size = len(payload)
            if size < 126:
                self._add(bytes((0x81, size)))
            elif size < 65536:
                self._add(struct.pack("!BBH", 0x81, 126, size))
            else:
                self._add(struct.pack("!BBQ", 0x81, 127, size))
            self._add(payload)
            self.sent += 1

    def send_binary(self, payload: bytes) -> None:
        """Add one binary message to the next write."""
        self._send_frame(Frame(Opcode.BINARY, payload))

    def send_pieces(self, pieces: Iterable[bytes]) -> None:
        """Add one text message in several frames, a ping between each two."""
        opcode = Opcode.TEXT
        for piece in pieces:
            self._send_frame(Frame(opcode, piece, fin=False))
            self._send_frame(Frame(Opcode.PING, b"between"))
            opcode = Opcode.CONT
        self._send_frame(Frame(opcode, b"", fin=True))

    async def flush(self) -> None:
        """Write what has been added, and wait while the client is slow."""
        self._write()
        await self._writer.drain()

    def mute_pongs(self) -> None:
        """Stop answering pings."""
        self._frames.is_mute = True

    # Endings ------------------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether messages can still be sent."""
        return self._frames.state is OPEN

    @property
    def close_received(self) -> tuple[int, str] | None:
        """Code and reason of the client's close frame."""
        close = self._frames.close_rcvd
        return None if close is None else (int(close.code), close.reason)

    @property
    def close_sent(self) -> tuple[int, str] | None:
        """Code and reason of our close frame."""
        close = self._frames.close_sent
        return None if close is None else (int(close.code), close.reason)

    def close(self, code: int | None, reason: str = "") -> None:
        """Send a close frame, None: one without a code; the client's answer ends `messages`."""
        if self._frames.state is OPEN:
            self._write()
            self._frames.send_close(code, reason)
            self._write_answers()

    def abort(self, *, is_reset: bool) -> None:
        """End TCP without a close frame: with RST, or with FIN."""
        self._write()
        raw = self._writer.get_extra_info("socket")
        if is_reset and raw is not None:
            raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
        if is_reset:
            self._writer.transport.abort()
        else:
            self._writer.transport.close()

    def _send_frame(self, frame: Frame) -> None:
        if self._frames.state is OPEN:
            self._add(frame.serialize(mask=False, extensions=self._frames.extensions))
            self.sent += frame.opcode is not Opcode.PING and frame.fin

    def _add(self, encoded: bytes) -> None:
        self._buffer.append(encoded)
        self._buffered += len(encoded)
        if self._buffered > _FLUSH_BYTES:
            self._write()

    def _write(self) -> None:
        if self._buffer:
            if not self._writer.is_closing():
                self._writer.write(b"".join(self._buffer))
            self._buffer.clear()
            self._buffered = 0

    def _write_answers(self) -> None:
        self._write()
        for encoded in self._frames.data_to_send():
            if self._writer.is_closing():
                return
            if encoded:
                self._writer.write(encoded)
            elif self._writer.can_write_eof():
                with suppress(OSError):  # the client has already reset the connection
                    self._writer.write_eof()
