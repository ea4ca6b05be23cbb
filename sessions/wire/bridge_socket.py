"""The bridge's end of one client's WebSocket: messages in and out, and a copy of each byte to record.

Its one rule: websockets' sans-I/O protocol makes and reads every frame and answers pings and closes; what is
handed to the transport, and what came from it, is copied as it was, in that order.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from websockets.extensions import Extension
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from sessions.records import Direction
from sessions.wire.stream import ByteStream

#: a client's message above this ends its connection with 1009, as large as the fake server takes
MAX_MESSAGE_BYTES = 64 << 20


class Message(NamedTuple):
    """One whole message of the client."""

    payload: bytes
    is_text: bool


class BridgeSocket:
    """Messages of one upgraded connection."""

    def __init__(
        self,
        client: ByteStream,
        extensions: Sequence[Extension],
        copy: Callable[[Direction, bytes], None],
    ) -> None:
        self._client = client
        self._copy = copy
        self._protocol = ServerProtocol(state=OPEN, max_size=MAX_MESSAGE_BYTES)
        self._protocol.extensions = list(extensions)

    @property
    def is_open(self) -> bool:
        """Whether messages can still be sent."""
        return self._protocol.state is OPEN and not self._client.is_lost

    @property
    def is_close_sent(self) -> bool:
        """Whether a close frame of ours is on its way: the session has an end of its own."""
        return self._protocol.close_sent is not None

    async def messages(self) -> AsyncIterator[Message]:
        """The client's messages until the connection ends; raises OSError when it breaks."""
        pieces: list[bytes] = []
        opcode = Opcode.TEXT
        while received := await self._client.read_some():
            self._copy(Direction.CLIENT, received)
            self._protocol.receive_data(received)
            self._write()
            for frame in self._protocol.events_received():
                assert isinstance(frame, Frame)  # the handshake is over
                if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
                    opcode, pieces = frame.opcode, []
                elif frame.opcode is not Opcode.CONT:
                    continue
                pieces.append(bytes(frame.data))
                if frame.fin:
                    yield Message(b"".join(pieces), opcode is Opcode.TEXT)
            if self._protocol.eof_sent:
                return
        self._protocol.receive_eof()
        self._write()

    def send(self, payload: bytes) -> None:
        """Send one text message; nothing once the connection is closing."""
        if self.is_open:
            self._protocol.send_text(payload)
            self._write()

    async def flush(self) -> None:
        """Wait while the client is slow; raises OSError when it is gone."""
        await self._client.send(b"")

    def close(self, code: int, reason: str) -> None:
        """Send a close frame; the client's answer ends `messages`."""
        if self.is_open:
            self._protocol.send_close(code, reason)
            self._write()

    def _write(self) -> None:
        for encoded in self._protocol.data_to_send():
            if self._client.is_lost:
                return
            if encoded:
                self._client.write(encoded)
                self._copy(Direction.SERVER, encoded)
            elif self._client.transport.can_write_eof():
                with suppress(OSError):  # the client has already reset the connection
                    self._client.transport.write_eof()
