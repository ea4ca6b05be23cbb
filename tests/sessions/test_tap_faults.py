"""The faults of `tests.faults`, held directly and through something: what is between must not be seen.

A plain splice shows that they can be the same, broken splices that each difference is found, and then comes
the tap.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from sessions.journal import Journal
from sessions.reading import Reading
from sessions.records import Kind, Record
from sessions.wire.endpoint import derive
from sessions.wire.plan import Plan
from sessions.wire.tap import Tap
from tests.ends import Fault, Play, differences, play, witness
from tests.faults import DELTA, FAULTS

BY_NAME = {fault.name: fault for fault in FAULTS}


async def direct(fault: Fault) -> Play:
    """The fault with nothing in between."""
    async with witness(fault) as server:
        return await play(fault, server, server.port)


# A plain splice, and broken ones ---------------------------------------------------------------------------


class PlainSplice:
    """Joins every connection to a port, byte for byte; its parts can be broken one by one."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def serve(self, listener: socket.socket, group: asyncio.TaskGroup) -> None:
        """Join whoever comes."""
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(listener)
            client.setblocking(False)
            group.create_task(self._join(client))

    async def _join(self, client: socket.socket) -> None:
        with client, socket.socket() as server:
            server.setblocking(False)
            await asyncio.get_running_loop().sock_connect(server, ("127.0.0.1", self._port))
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._pump(client, server))
                    group.create_task(self._pump(server, client))
            except* ConnectionError:
                for own in (client, server):
                    self.break_off(own)

    async def _pump(self, source: socket.socket, target: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while chunk := await loop.sock_recv(source, 1 << 16):
            await self.send(target, self.carry(chunk))
        with suppress(OSError):
            self.end(target)

    def carry(self, chunk: bytes) -> bytes:
        """What is passed on for a chunk."""
        return chunk

    async def send(self, target: socket.socket, chunk: bytes) -> None:
        """Pass it on."""
        await asyncio.get_running_loop().sock_sendall(target, chunk)

    def end(self, target: socket.socket) -> None:
        """Pass on an end."""
        target.shutdown(socket.SHUT_WR)

    def break_off(self, own: socket.socket) -> None:
        """Pass on a reset."""
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Flipping(PlainSplice):
    """Changes the last bit of every larger chunk."""

    def carry(self, chunk: bytes) -> bytes:
        return chunk[:-1] + bytes([chunk[-1] ^ 1])


class Dropping(PlainSplice):
    """Loses a byte now and then."""

    def carry(self, chunk: bytes) -> bytes:
        return chunk[:-1] if len(chunk) > 60_000 else chunk


class Doubling(PlainSplice):
    """Says small things twice."""

    def carry(self, chunk: bytes) -> bytes:
        return chunk * 2 if len(chunk) < 100 else chunk


class Spelling(PlainSplice):
    """Spells the names of headers as most people do."""

    def carry(self, chunk: bytes) -> bytes:
        return chunk.replace(b"sec-websocket-key", b"Sec-WebSocket-Key")


class Polite(PlainSplice):
    """Ends a connection that was broken as if it had been ended."""

    def break_off(self, own: socket.socket) -> None:
        with suppress(OSError):
            own.shutdown(socket.SHUT_RDWR)


class Hasty(PlainSplice):
    """Takes a half close for an end."""

    def end(self, target: socket.socket) -> None:
        target.shutdown(socket.SHUT_RDWR)


class Swallowing(PlainSplice):
    """Reads on whoever does not read, and keeps everything in memory."""

    async def _pump(self, source: socket.socket, target: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        waiting: asyncio.Queue[bytes] = asyncio.Queue()

        async def read() -> None:
            while chunk := await loop.sock_recv(source, 1 << 16):
                waiting.put_nowait(chunk)
            waiting.put_nowait(b"")

        async with asyncio.TaskGroup() as group:
            group.create_task(read())
            while chunk := await waiting.get():
                await loop.sock_sendall(target, chunk)
        self.end(target)


@asynccontextmanager
async def spliced(kind: type[PlainSplice], port: int, *, is_small: bool) -> AsyncIterator[int]:
    """A splice before this port; its own port."""
    with socket.socket() as listener:
        listener.setblocking(False)
        if is_small:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        listener.bind(("127.0.0.1", 0))
        listener.listen(512)
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(kind(port).serve(listener, group))
            yield listener.getsockname()[1]
            serving.cancel()


async def through(kind: type[PlainSplice], fault: Fault) -> Play:
    """The fault with a splice in between."""
    async with (
        witness(fault) as server,
        spliced(kind, server.port, is_small=fault.has_small_buffers) as port,
    ):
        return await play(fault, server, port)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_plain_splice_is_not_seen(fault: Fault) -> None:
    assert differences(await direct(fault), await through(PlainSplice, fault)) == []


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        (Flipping, "426 with a length", "bytes, not"),
        (Dropping, "16 MiB from the server", "the client read"),
        (Dropping, "16 MiB from the client", "the server read"),
        (Doubling, "close 1000", "the client read"),
        (Spelling, "close 1000", "the server read"),
        (Polite, "a reset by the server", "for the client the connection ended, not reset"),
        (Polite, "a reset by the client", "for the server the connection ended, not reset"),
        (Hasty, "a half close by the client", "the client read"),
        (Swallowing, "a client that does not read", "never stalled"),
        (Swallowing, "a server that does not read", "never stalled"),
    ],
)
async def test_a_broken_splice_is_found(kind: type[PlainSplice], name: str, said: str) -> None:
    fault = replace(BY_NAME[name], patience_seconds=4.0 if "MiB" in name or "read" in name else 1.0)
    found = differences(await direct(fault), await through(kind, fault))
    assert any(said in one for one in found), found


# The tap ---------------------------------------------------------------------------------------------------


async def tapped(fault: Fault, recording: Path) -> Play:
    """The fault with a tap in between, which records it."""
    async with witness(fault) as server:
        plan = Plan(derive(f"http://127.0.0.1:{server.port}/v1", exact=True))
        troubles: list[str] = []
        journal = Journal.create(recording, "tap")
        async with Tap(plan, journal, on_trouble=troubles.append) as tap:
            seen = await play(fault, server, tap.port)
        journal.close()
        assert troubles == []
        return seen


def records_of(recording: Path) -> list[Record]:
    """What the tap has written down."""
    reading = Reading.open(recording)
    while reading.read_on(1.0):
        pass
    reading.show(reading.known)
    return [reading.record(number) for number in range(len(reading))]


def told(record: Record) -> str:
    """A record in one line."""
    meta = record.meta
    match record.kind:
        case Kind.REFUSED:
            return f"refused {meta['failure_class']} {meta.get('status', '')}: {meta['detail']}"
        case Kind.CLOSE:
            return f"{record.direction} close {meta['code']} {meta['reason']}"
        case Kind.LOST:
            return f"lost: {meta['detail']}"
        case Kind.NOTE:
            return f"note {meta['note']} {meta.get('detail', '')}{meta.get('agrees', '')}"
        case _:
            return f"{record.direction} {record.kind}" + (
                f" ({meta['problem']})" if "problem" in meta else ""
            )


#: what a recording must say of a fault, from its first line to its last; `...` stands for lines between
_TURN = ("local open", "client text", "server text")
_WHOLE_TURN = (*_TURN, "server text")
_AGREES = "note digest 1"
_CLOSES = ("client close 1000 ", "server close 1000 ", _AGREES)
EXPLAINED: dict[str, tuple[str, ...]] = {
    "426 with a length": ("refused upgrade_required 426: 426 Upgrade Required",),
    "426 kept open": ("refused upgrade_required 426: 426 Upgrade Required",),
    "401 with a length": ("refused unauthorized 401: 401 Unauthorized",),
    "401 without a length": ("refused unauthorized 401: 401 Unauthorized",),
    "403 without a body": ("refused forbidden 403: 403 Forbidden",),
    "403 of HTTP/1.0": ("refused forbidden 403: 403 Forbidden",),
    "404 in chunks": ("refused not_found 404: 404 Not Found",),
    "500 with a large body": ("refused http_status 500: 500 Oops",),
    "500 cut within its body": ("refused http_status 500: 500 Oops",),
    "200 that streams and stays open": ("refused http_status 200: 200 OK (text/event-stream)",),
    "103 before the 404": ("refused not_found 404: 404 No",),
    "no HTTP": ("refused protocol : the server did not answer in HTTP",),
    "nothing at all": ("refused protocol : the server ended the connection without an answer",),
    "no answer, the client goes": ("refused closed : the client went before it had an answer",),
    "a reset before the answer": (
        "refused protocol : the server broke the connection: Connection reset by peer",
    ),
    "a half close before the answer": ("refused not_found 404: 404 Not Found",),
    "close 1000": (*_TURN, "server close 1000 ", "client close 1000 ", _AGREES),
    "close 1008": (*_TURN, "server close 1008 policy", "client close 1008 policy", _AGREES),
    "close 1009": (*_TURN, "server close 1009 too big", "client close 1009 too big", _AGREES),
    "close 1011": (*_TURN, "server close 1011 internal", "client close 1011 internal", _AGREES),
    "close 4001": (
        *_TURN,
        "server close 4001 gr\u00fcnde \u2013 viele",
        "client close 4001 gr\u00fcnde \u2013 viele",
        _AGREES,
    ),
    "close without a code": (*_TURN, "server close 1005 ", "client close 1005 ", _AGREES),
    "close by the client": (*_WHOLE_TURN, "client close 1000 bye", "server close 1000 bye", _AGREES),
    "a reset by the server": (
        *_TURN,
        "lost: the server broke the connection without a close frame: [Errno 104] Connection reset by peer; "
        "the server ended in a frame: 5 bytes of it came, 46 did not",
        _AGREES,
    ),
    "a reset by the client": (
        *_TURN,
        "lost: the client broke the connection without a close frame: [Errno 104] Connection reset by peer",
        _AGREES,
    ),
    "the client ends without a close": (
        *_WHOLE_TURN,
        "lost: the client ended TCP without a close frame",
        _AGREES,
    ),
    "the server ends without a close": (
        *_WHOLE_TURN,
        "lost: the server ended TCP without a close frame",
        _AGREES,
    ),
    "a half close by the client": (
        *_TURN,
        *["server text"] * 3,
        "lost: the client ended TCP without a close frame",
        _AGREES,
    ),
    "a half close by the server": (
        *_TURN,
        *["client text"] * 3,
        "lost: the server ended TCP without a close frame",
        _AGREES,
    ),
    "fragments with a ping between": ("local open", "client text", "server ping", "server text", *_CLOSES),
    "deflate with context": (
        "local open",
        *("client text", "client ping", *["client text"] * 5),
        *("server text", "server ping", *["server text"] * 5),
        *_CLOSES,
    ),
    "odd frames": (
        "local open",
        "client text",
        "server text",
        "server pong",
        "server binary",
        "server text (a text message that is not UTF-8: invalid start byte at byte 0)",
        "note frame the reserved opcode 0x3",
        "server text (RSV1 and RSV2 and RSV3 set: not agreed on)",
        "server ping (a control frame of 200 bytes, 125 are allowed)",
        "server text (its length is written in more bytes than it needs)",
        "server text (a masked frame from the server)",
        *_CLOSES,
    ),
    "no frames after the 101": (
        "local open",
        "note unparsed a frame of 18446744073709551615 bytes, more than any frame can have: nothing is read "
        "from here on",
        "...",
        _AGREES,
    ),
    "16 MiB from the server": ("local open", "client text", "server text", *_CLOSES),
    "16 MiB from the client": ("local open", "client text", "server text", *_CLOSES),
    "byte by byte": ("local open", "...", "server ping", "...", _AGREES),
    "all at once": ("local open", "...", _AGREES),
    "a client that does not read": ("local open", "server binary", "...", "server binary", "...", _AGREES),
    "a server that does not read": ("local open", "client binary", "...", "client binary", "...", _AGREES),
}


def says(lines: list[str], wanted: tuple[str, ...]) -> bool:
    """Whether these lines are the wanted ones, where `...` stands for any number of others."""
    pattern = r"\n".join(r"(?:.*\n)*?.*" if one == "..." else re.escape(one) for one in wanted)
    return re.fullmatch(pattern, "\n".join(lines)) is not None


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_the_tap_is_not_seen_and_says_what_happened(fault: Fault, tmp_path: Path) -> None:
    recording = tmp_path / "tap.jsonl"
    assert differences(await direct(fault), await tapped(fault, recording)) == []
    records = records_of(recording)
    sessions = sorted({record.session for record in records})
    assert sessions == list(range(1, fault.count + 1))
    for session in sessions:
        lines = [told(one) for one in records if one.session == session]
        if fault.name in EXPLAINED:
            assert says(lines, EXPLAINED[fault.name]), lines
        else:
            texts = ["client text"] * 5 + ["server text"] * 5
            assert sorted(lines) == sorted(["local open", *texts, *_CLOSES])


async def test_nothing_of_a_message_that_was_cut_off_is_lost(tmp_path: Path) -> None:
    recording = tmp_path / "tap.jsonl"
    await tapped(BY_NAME["a reset by the server"], recording)
    (lost,) = [one for one in records_of(recording) if one.kind is Kind.LOST]
    assert lost.payload == DELTA[2:7]
