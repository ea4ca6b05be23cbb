"""The faults of `tests.faults`, held directly and through something: what is between must not be seen.

A plain splice shows that they can be the same, broken splices that each difference is found, and then comes
the tap.
"""

from __future__ import annotations

import asyncio
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
from tests.faults import FAULTS

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


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_the_tap_is_not_seen(fault: Fault, tmp_path: Path) -> None:
    recording = tmp_path / "tap.jsonl"
    assert differences(await direct(fault), await tapped(fault, recording)) == []
    lines = [told(one) for one in records_of(recording)]
