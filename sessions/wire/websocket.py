"""An open WebSocket: frames in, records out, and back; websockets' state machine knows the rules.

Its one rule: every frame is seen as it arrives. A message is one record however it was cut into frames;
what is not UTF-8, not asked for or unfinished is recorded as it is. Nothing is ever resent or repaired.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Sequence
from itertools import count
from typing import cast

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidState, ProtocolError
from websockets.frames import BINARY, CLOSE, CONT, PING, TEXT, Close, Frame
from websockets.protocol import State

from sessions.contract import FailureClass
from sessions.errors import ConnectError, LocalProtocolError
from sessions.records import NO_META, Direction, Kind, Meta, Record
from sessions.source import Clock
from sessions.wire.meter import Meter
from sessions.wire.stream import ByteStream

PING_SECONDS = 20.0
CLOSE_SECONDS = 5.0


class WebSocket(asyncio.Protocol):
    """One socket after its 101; hands over the records of each piece of data, and says when it is over."""

    def __init__(
        self,
        protocol: ClientProtocol,
        *,
        meter: Meter | None,
        session: int,
        clock: Clock,
        deliver: Callable[[Sequence[Record], int], None],
        over: Callable[[], None],
        ping_seconds: float = PING_SECONDS,
        close_seconds: float = CLOSE_SECONDS,
    ) -> None:
        self._ping_seconds = ping_seconds
        self._close_seconds = close_seconds
        self._protocol = protocol
        self._meter = meter
        self._session = session
        self._clock = clock
        self._deliver = deliver
        self._over = over
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._fragments: list[bytes] = []
        self._fragments_wire = 0
        self._fragments_kind = Kind.TEXT
        self._close_told = False
        self._is_reading = True
        self._is_over = False
        self._writable: asyncio.Future[None] | None = None
        self._pings: dict[bytes, float] = {}
        self._ping_numbers = count(1)
        self._ping_timer: asyncio.TimerHandle | None = None
        self._close_timer: asyncio.TimerHandle | None = None

    @property
    def is_open(self) -> bool:
        """Whether a message can be sent now."""
        return not self._is_over and self._protocol.state is State.OPEN

    @property
    def close_code(self) -> int:
        """The code of the other side's close frame; 0 when none has come."""
        received = self._protocol.close_rcvd
        return received.code if received is not None else 0

    def take_over(self, stream: ByteStream) -> None:
        """Continue on the stream's transport, with the bytes it has already read."""
        self._transport = stream.transport
        self._transport.set_protocol(self)
        self._ping_timer = self._loop.call_later(self._ping_seconds, self._ping)
        if rest := stream.take():
            self.data_received(rest)
        if stream.is_ended:
            self.connection_lost(None)

    # What comes ------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        protocol = self._protocol
        protocol.receive_data(data)
        wall, elapsed = self._clock.wall(), self._clock.elapsed()
        frames = cast(list[Frame], protocol.events_received())  # heads come only before the 101
        self._flush()
        records: list[Record] = []
        session, is_metered = self._session, self._meter is not None
        server, text = Direction.SERVER, Kind.TEXT
        for frame in frames:
            if frame.opcode is not TEXT or not frame.fin:
                self._frame(frame, records, wall, elapsed)
            elif is_metered:
                records.append(self._message(text, bytes(frame.data), wall, elapsed))
            else:  # the hot path: a whole text message
                records.append(Record(session, server, text, wall, elapsed, bytes(frame.data), NO_META))
        self._tell_close(records, wall, elapsed)
        if records:
            self._deliver(records, len(data))

    def eof_received(self) -> bool:
        self._protocol.receive_eof()
        self._flush()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if self._is_over:
            return
        self._is_over = True
        self._protocol.receive_eof()
        self._protocol.data_to_send()
        for timer in (self._ping_timer, self._close_timer):
            if timer is not None:
                timer.cancel()
        self.resume_writing()
        records: list[Record] = []
        wall, elapsed = self._clock.wall(), self._clock.elapsed()
        self._tell_close(records, wall, elapsed)
        if self._protocol.close_rcvd is None:  # not even an answer to ours
            records.append(self._lost(exc, wall, elapsed))
        if records:
            self._deliver(records, 0)
        self._over()

    def _frame(self, frame: Frame, records: list[Record], wall: int, elapsed: float) -> None:
        payload = bytes(frame.data)
        add = records.append
        if frame.opcode in (TEXT, BINARY, CONT):
            if frame.opcode is not CONT:
                self._fragments_kind = Kind.TEXT if frame.opcode is TEXT else Kind.BINARY
            if not frame.fin or self._fragments:
                self._fragments.append(payload)
            if frame.fin:
                whole = b"".join(self._fragments) if self._fragments else payload
                add(self._message(self._fragments_kind, whole, wall, elapsed, len(self._fragments)))
                self._fragments.clear()
            elif self._meter is not None:
                self._fragments_wire += self._meter.received.popleft()
        elif frame.opcode is PING:
            add(self._record(Direction.SERVER, Kind.PING, wall, elapsed, payload))
            add(self._record(Direction.CLIENT, Kind.PONG, wall, elapsed, payload))
        elif frame.opcode is CLOSE:
            close = Close.parse(frame.data)
            add(self._record(Direction.SERVER, Kind.CLOSE, wall, elapsed, payload, _close_meta(close)))
        elif payload in self._pings:
            sent = self._pings.pop(payload)
            meta: Meta = {"note": "latency", "ms": round((elapsed - sent) * 1000, 3)}
            add(self._record(Direction.LOCAL, Kind.NOTE, wall, elapsed, b"", meta))
        else:
            add(self._record(Direction.SERVER, Kind.PONG, wall, elapsed, payload))

    def _message(self, kind: Kind, payload: bytes, wall: int, elapsed: float, frames: int = 0) -> Record:
        meta: Meta = {"frames": frames} if frames > 1 else NO_META
        if self._meter is not None:
            meta = {**meta, "wire": self._meter.received.popleft() + self._fragments_wire}
            self._fragments_wire = 0
        return Record(self._session, Direction.SERVER, kind, wall, elapsed, payload, meta)

    def _lost(self, exc: Exception | None, wall: int, elapsed: float) -> Record:
        said = "the other side ended the connection without a close frame"
        if self._protocol.close_sent is not None:
            said = "the connection ended without an answer to our close frame"
        if exc is not None:
            said = f"the connection broke: {getattr(exc, 'strerror', None) or exc or type(exc).__name__}"
        unfinished = b"".join(self._fragments)
        if unfinished:
            said += f"; {len(unfinished)} bytes of an unfinished message are kept here"
        meta: Meta = {"code": 1006, "detail": said}
        return self._record(Direction.LOCAL, Kind.LOST, wall, elapsed, unfinished, meta)

    # What goes -------------------------------------------------------------------------------------------

    async def send(self, payload: str | bytes) -> None:
        """Send one message and wait until the transport takes more.

        Raises ConnectError when the socket has ended, LocalProtocolError for text that has no UTF-8 form.
        """
        try:
            data = payload.encode() if isinstance(payload, str) else payload
        except UnicodeEncodeError as error:
            said = (
                f"the text has a lone surrogate at character {error.start + 1}, which no text frame can carry"
            )
            raise LocalProtocolError(said) from None
        if not self.is_open:
            raise ConnectError(FailureClass.CLOSED, "nothing can be sent: the socket is closing or closed")
        try:
            if isinstance(payload, str):
                self._protocol.send_text(data)
            else:
                self._protocol.send_binary(data)
        except InvalidState:
            raise ConnectError(FailureClass.CLOSED, "nothing can be sent: the socket is closed") from None
        meta: Meta = {"wire": self._meter.sent} if self._meter is not None else NO_META
        kind = Kind.TEXT if isinstance(payload, str) else Kind.BINARY
        self._flush()
        record = self._record(Direction.CLIENT, kind, self._clock.wall(), self._clock.elapsed(), data, meta)
        self._deliver((record,), 0)
        if self._writable is not None:
            await asyncio.shield(self._writable)

    def start_close(self, code: int, reason: str) -> None:
        """Send our close frame, once; the other side has five seconds to answer.

        Raises LocalProtocolError for a code or reason that no close frame can carry.
        """
        if not self.is_open:
            return
        try:
            self._protocol.send_close(code, reason)
        except ProtocolError as error:
            raise LocalProtocolError(f"this close frame cannot be sent: {error}") from None
        self._flush()
        records: list[Record] = []
        self._tell_close(records, self._clock.wall(), self._clock.elapsed())
        self._deliver(records, 0)

    def abort(self) -> None:
        """Drop the connection without a close frame."""
        if self._transport is not None:
            self._transport.abort()

    def pause_writing(self) -> None:
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def pause_reading(self) -> None:
        """Take nothing more from the network until `resume_reading`; the peer's pings wait, too."""
        if self._is_reading and self._transport is not None and not self._is_over:
            self._is_reading = False
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Take from the network again."""
        if not self._is_reading and self._transport is not None and not self._transport.is_closing():
            self._is_reading = True
            self._transport.resume_reading()

    def _ping(self) -> None:
        self._ping_timer = self._loop.call_later(self._ping_seconds, self._ping)
        if not self.is_open:
            return
        if self._pings and self._is_reading:
            # Told, not punished: a long silence is what a person came to look at.
            waited = self._clock.elapsed() - min(self._pings.values())
            meta: Meta = {"note": "pong_overdue", "s": round(waited, 3)}
            wall, elapsed = self._clock.wall(), self._clock.elapsed()
            self._deliver((self._record(Direction.LOCAL, Kind.NOTE, wall, elapsed, b"", meta),), 0)
        payload = struct.pack("!4sI", b"turn", next(self._ping_numbers))
        self._pings[payload] = self._clock.elapsed()
        self._protocol.send_ping(payload)
        self._flush()

    def _flush(self) -> None:
        transport = self._transport
        if transport is None or self._is_over:
            return
        for data in self._protocol.data_to_send():
            if data:
                transport.write(data)
            elif transport.can_write_eof():
                transport.write_eof()
            else:
                transport.close()

    def _tell_close(self, records: list[Record], wall: int, elapsed: float) -> None:
        """Record our own close frame, ours by wish, as an echo, or because a rule was broken; once."""
        sent = self._protocol.close_sent
        if sent is None or self._close_told:
            return
        self._close_told = True
        payload = b"" if sent.code == 1005 else sent.serialize()
        records.append(self._record(Direction.CLIENT, Kind.CLOSE, wall, elapsed, payload, _close_meta(sent)))
        if not self._is_over:
            self._close_timer = self._loop.call_later(self._close_seconds, self._give_up)

    def _give_up(self) -> None:
        if self._protocol.close_rcvd is None:
            meta: Meta = {"note": "close_unanswered", "s": self._close_seconds}
            wall, elapsed = self._clock.wall(), self._clock.elapsed()
            self._deliver((self._record(Direction.LOCAL, Kind.NOTE, wall, elapsed, b"", meta),), 0)
        self.abort()

    # Records ---------------------------------------------------------------------------------------------

    def _record(
        self,
        direction: Direction,
        kind: Kind,
        wall: int,
        elapsed: float,
        payload: bytes,
        meta: Meta = NO_META,
    ) -> Record:
        return Record(self._session, direction, kind, wall, elapsed, payload, meta)


def _close_meta(close: Close) -> Meta:
    return {"code": close.code, "reason": close.reason}
