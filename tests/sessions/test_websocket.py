"""The socket's own care: pings and their latency, overdue pongs, unanswered closes, frames in any pieces."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from sessions.errors import ConnectError, LocalProtocolError
from sessions.records import Direction, Kind, Record
from sessions.wire.stream import ByteStream
from sessions.wire.websocket import WebSocket
from tests.conftest import HandClock


class Wire(asyncio.Transport):
    """A transport that keeps what was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.asked: list[str] = []
        self.protocol: asyncio.BaseProtocol | None = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep."""
        self.written += bytes(data)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Keep."""
        self.protocol = protocol

    def can_write_eof(self) -> bool:
        """As TLS answers."""
        return False

    def close(self) -> None:
        """Remember."""
        self.asked.append("close")

    def abort(self) -> None:
        """Remember, and end."""
        self.asked.append("abort")
        assert isinstance(self.protocol, WebSocket)
        self.protocol.connection_lost(None)

    def is_closing(self) -> bool:
        """Whether it was asked to close."""
        return bool({"close", "abort"} & set(self.asked))

    def pause_reading(self) -> None:
        """Remember."""
        self.asked.append("pause")

    def resume_reading(self) -> None:
        """Remember."""
        self.asked.append("resume")


class Bench:
    """A socket on a wire, with everything it delivered."""

    def __init__(self, clock: HandClock, timers_seconds: float = 30.0) -> None:
        self.wire = Wire()
        self.clock = clock
        self.records: list[Record] = []
        self.is_over = False
        stream = ByteStream()
        stream.connection_made(self.wire)
        protocol = ClientProtocol(parse_uri("ws://host/"), state=State.OPEN)
        self.socket = WebSocket(
            protocol,
            meter=None,
            session=1,
            clock=clock,
            deliver=self._deliver,
            over=self._end,
            ping_seconds=timers_seconds,
            close_seconds=timers_seconds,
        )
        self.socket.take_over(stream)

    def _deliver(self, records: Sequence[Record], size: int) -> None:
        self.records.extend(records)

    def _end(self) -> None:
        self.is_over = True

    def receive(self, opcode: Opcode, data: bytes) -> None:
        """A frame from the server."""
        self.socket.data_received(Frame(opcode, data).serialize(mask=False))

    def shape(self) -> list[str]:
        """Direction, kind and note of each record."""
        return [f"{one.direction} {one.kind} {one.meta.get('note', '')}".rstrip() for one in self.records]


@pytest.fixture
async def bench(clock: HandClock) -> Bench:
    """A socket on a wire."""
    return Bench(clock)


async def until(bench: Bench, kind: Kind) -> Record:
    """The first record of this kind, as soon as it is there."""
    async with asyncio.timeout(5):
        while True:
            if found := next((one for one in bench.records if one.kind is kind), None):
                return found
            turn = asyncio.Event()
            asyncio.get_running_loop().call_later(0.002, turn.set)
            await turn.wait()


def pings(written: bytes) -> list[bytes]:
    """The payloads of the masked pings in what was written."""
    found = []
    while written:
        length = written[1] & 0x7F
        key, payload = written[2:6], written[6 : 6 + length]
        if written[0] & 0x0F == 9:
            found.append(bytes(byte ^ key[index % 4] for index, byte in enumerate(payload)))
        written = written[6 + length :]
    return found


async def test_a_pong_to_our_ping_is_a_latency_note(clock: HandClock) -> None:
    bench = Bench(clock, 0.01)
    async with asyncio.timeout(5):
        while not pings(bench.wire.written):
            turn = asyncio.Event()
            asyncio.get_running_loop().call_later(0.002, turn.set)
            await turn.wait()
    clock.move(0.0123)
    bench.receive(Opcode.PONG, pings(bench.wire.written)[0])
    note = await until(bench, Kind.NOTE)
    assert note.direction is Direction.LOCAL
    assert dict(note.meta) == {"note": "latency", "ms": 12.3}
    bench.socket.abort()


async def test_an_overdue_pong_is_told_and_nothing_is_closed(clock: HandClock) -> None:
    bench = Bench(clock, 0.01)
    note = await until(bench, Kind.NOTE)
    assert note.meta["note"] == "pong_overdue"
    assert bench.socket.is_open
    bench.socket.abort()


async def test_a_pong_nobody_asked_for_is_kept(bench: Bench) -> None:
    bench.receive(Opcode.PONG, b"unasked")
    assert bench.shape() == ["server pong"]
    bench.socket.abort()


async def test_the_peer_s_ping_is_answered(bench: Bench) -> None:
    bench.receive(Opcode.PING, b"abc")
    assert bench.shape() == ["server ping", "client pong"]
    assert bench.wire.written[:1] == b"\x8a"
    bench.socket.abort()


async def test_a_close_without_an_answer_is_told_and_dropped(clock: HandClock) -> None:
    bench = Bench(clock, 0.01)
    bench.socket.start_close(1000, "enough")
    bench.socket.start_close(1000, "again")
    await until(bench, Kind.NOTE)
    assert bench.shape()[:2] == ["client close", "local note close_unanswered"]
    assert bench.is_over
    with pytest.raises(ConnectError):
        await bench.socket.send("late")


@pytest.mark.parametrize(("code", "reason"), [(1005, ""), (999, ""), (1000, "x" * 124)])
async def test_a_close_frame_that_cannot_be_is_our_mistake(bench: Bench, code: int, reason: str) -> None:
    with pytest.raises(LocalProtocolError, match="cannot be sent"):
        bench.socket.start_close(code, reason)
    assert bench.socket.is_open
    assert bench.records == []
    bench.socket.abort()


FRAMES = st.builds(
    lambda opcode, data, fin: Frame(opcode, data, fin or opcode >= Opcode.CLOSE).serialize(mask=False),
    st.sampled_from(Opcode),
    st.binary(max_size=20),
    st.booleans(),
)


@given(pieces=st.lists(FRAMES | st.binary(min_size=1, max_size=40), max_size=8))
def test_any_bytes_are_records_and_never_an_error(pieces: list[bytes]) -> None:
    async def run() -> None:
        bench = Bench(HandClock())
        for piece in pieces:
            bench.socket.data_received(piece)
        bench.socket.eof_received()
        bench.socket.connection_lost(None)
        assert bench.is_over
        endings = [one for one in bench.records if one.kind in (Kind.CLOSE, Kind.LOST)]
        assert 1 <= len(endings) <= 2
        assert bench.records[-1].kind in (Kind.CLOSE, Kind.LOST)

    asyncio.run(run())


async def test_a_message_beyond_the_ceiling_ends_with_1009(bench: Bench) -> None:
    bench.socket.data_received(b"\x82\x7f" + (1 << 40).to_bytes(8))
    assert bench.shape() == ["client close"]
    assert bench.records[0].meta["code"] == 1009
    bench.socket.abort()


async def test_a_break_keeps_its_reason(bench: Bench) -> None:
    bench.socket.connection_lost(ConnectionResetError(104, "Connection reset by peer"))
    bench.socket.connection_lost(None)
    assert bench.shape() == ["local lost"]
    assert bench.records[0].meta["detail"] == "the connection broke: Connection reset by peer"


async def test_a_peer_that_breaks_a_rule_and_never_answers_our_close_has_an_end(bench: Bench) -> None:
    bench.socket.data_received(b"\xf1\x00")
    assert [bench.shape(), bench.records[0].meta["code"]] == [["client close"], 1002]
    bench.socket.connection_lost(None)
    assert bench.shape() == ["client close", "local lost"]
    assert bench.records[1].meta["detail"] == "the connection ended without an answer to our close frame"


async def test_send_waits_for_a_full_transport(bench: Bench) -> None:
    bench.socket.pause_writing()
    async with asyncio.TaskGroup() as group:
        sending = group.create_task(bench.socket.send("x"))
        asyncio.get_running_loop().call_soon(bench.socket.resume_writing)
    assert sending.done()
    assert bench.shape() == ["client text"]
    bench.socket.abort()


async def test_reading_is_paused_and_resumed_once(bench: Bench) -> None:
    for _ in range(2):
        bench.socket.pause_reading()
    for _ in range(2):
        bench.socket.resume_reading()
    assert bench.wire.asked == ["pause", "resume"]
    bench.socket.abort()


@pytest.mark.parametrize("cut", range(1, 12))
async def test_frames_may_come_in_any_pieces(bench: Bench, cut: int) -> None:
    data = Frame(Opcode.TEXT, b"abc").serialize(mask=False) + Frame(Opcode.PING, b"d").serialize(mask=False)
    bench.socket.data_received(data[:cut])
    if data[cut:]:
        bench.socket.data_received(data[cut:])
    assert bench.shape()[:2] == ["server text", "server ping"]
    bench.socket.abort()
