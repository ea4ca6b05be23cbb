"""Two connections joined: bytes, ends, slow readers, and a digest that notices what it should."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from sessions.records import Direction
from sessions.wire.splice import Ending, How, Splice, Way
from sessions.wire.stream import ByteStream


class Peer:
    """One end of a TCP connection, in a test's hands."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def hear(self, count: int) -> bytes:
        return await self.reader.readexactly(count)

    def finish(self) -> None:
        self.writer.write_eof()

    def break_off(self) -> None:
        own = self.writer.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class Joined:
    """A splice between two peers, and what it copied."""

    def __init__(self, splice: Splice, client: Peer, server: Peer) -> None:
        self.splice = splice
        self.client = client
        self.server = server
        self.copies: dict[Direction, bytearray] = {
            Direction.CLIENT: bytearray(),
            Direction.SERVER: bytearray(),
        }


async def pair() -> tuple[Peer, ByteStream]:
    """A peer and the stream at the other end of its connection."""
    loop = asyncio.get_running_loop()
    accepted: asyncio.Future[ByteStream] = loop.create_future()

    class Accepted(ByteStream):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            self.keeps_half_open = True
            accepted.set_result(self)

    listener = await loop.create_server(Accepted, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*listener.sockets[0].getsockname()[:2])
    stream = await accepted
    listener.close()
    return Peer(reader, writer), stream


@asynccontextmanager
async def joined(way: type[Way] = Way, *, before: bytes = b"") -> AsyncIterator[Joined]:
    """Two peers with a splice between them; `before` is sent by the server before they are joined."""
    client, of_client = await pair()
    server, of_server = await pair()
    copies: list[tuple[Direction, bytes]] = []
    splice = Splice(of_client, of_server, lambda direction, chunk: copies.append((direction, chunk)), way=way)
    both = Joined(splice, client, server)
    splice.copied = lambda direction, chunk: both.copies[direction].extend(chunk)
    if before:
        await server.say(before)
        of_server.put_back(await of_server.read_some())
    splice.start()
    try:
        yield both
    finally:
        splice.abort()
        await splice.finished()
        for peer in (client, server):
            peer.writer.transport.abort()


async def test_bytes_pass_both_ways_and_are_copied_after() -> None:
    async with joined() as both:
        await both.client.say(b"to the server")
        assert await both.server.hear(13) == b"to the server"
        await both.server.say(b"to the client")
        assert await both.client.hear(13) == b"to the client"
        assert both.copies == {Direction.CLIENT: b"to the server", Direction.SERVER: b"to the client"}
        assert both.splice.client_way.is_identical
        assert both.splice.server_way.is_identical
        assert both.splice.client_way.count == both.splice.server_way.count == 13


async def test_what_came_before_the_joining_goes_first() -> None:
    async with joined(before=b"early ") as both:
        await both.server.say(b"late")
        assert await both.client.hear(10) == b"early late"
        assert both.splice.server_way.is_identical


async def test_a_half_close_is_passed_on_as_a_half_close() -> None:
    async with joined() as both:
        await both.client.say(b"question")
        both.client.finish()
        assert await both.server.reader.read() == b"question"
        await both.server.say(b"answer")  # its own half is still open
        both.server.finish()
        assert await both.client.reader.read() == b"answer"
        await both.splice.finished()
        assert both.splice.ending == Ending(Direction.CLIENT, How.FINISHED)


@pytest.mark.parametrize("breaker", ["client", "server"])
async def test_a_reset_is_passed_on_as_a_reset_and_what_came_before_it_arrives(breaker: str) -> None:
    async with joined() as both:
        one, other = (both.client, both.server) if breaker == "client" else (both.server, both.client)
        await one.say(b"last words")
        assert await other.hear(10) == b"last words"
        one.break_off()
        with pytest.raises(ConnectionResetError):
            await other.reader.read()
        await both.splice.finished()
        assert both.splice.ending is not None
        assert both.splice.ending[:2] == (Direction(breaker), How.RESET)


async def test_a_reader_that_stalls_stalls_the_writer() -> None:
    async with joined() as both:
        piece = bytes(1 << 20)
        sent = 0
        while not both.splice._server._pauses:  # nobody reads: the client's side fills up
            both.server.writer.write(piece)
            sent += len(piece)
            await asyncio.sleep(0)
            assert sent < 64 << 20
        assert both.splice.server_way.count < sent  # not everything was taken in
        for _ in range(sent // len(piece)):
            assert await both.client.hear(len(piece)) == piece
        assert not both.splice._server._pauses
        assert both.splice.server_way.is_identical


async def test_reading_stops_and_goes_on_for_a_reason_of_ours() -> None:
    async with joined() as both:
        both.splice.pause("a test")
        await both.client.say(b"waits")
        both.splice.resume("another reason")
        assert both.splice.client_way.count == 0
        both.splice.resume("a test")
        assert await both.server.hear(5) == b"waits"


async def test_stopping_ends_both_and_says_that_we_did() -> None:
    async with joined() as both:
        both.splice.stop()
        assert await both.client.reader.read() == b""
        assert await both.server.reader.read() == b""
        await both.splice.finished()
        assert both.splice.ending == Ending(Direction.LOCAL, How.STOPPED)


class Flipping(Way):
    """Changes one bit."""

    def carry(self, chunk: bytes) -> None:
        self.hand(bytes((chunk[0] ^ 1,)) + chunk[1:])


class Dropping(Way):
    """Leaves out one byte."""

    def carry(self, chunk: bytes) -> None:
        self.hand(chunk[:-1])


class Doubling(Way):
    """Passes on everything twice."""

    def carry(self, chunk: bytes) -> None:
        self.hand(chunk)
        self.hand(chunk)


@pytest.mark.parametrize(
    ("mutant", "arrives"), [(Flipping, b"Iello"), (Dropping, b"Hell"), (Doubling, b"HelloHello")]
)
async def test_a_splice_that_changes_bytes_is_caught_by_its_digests_and_by_the_peers(
    mutant: type[Way], arrives: bytes
) -> None:
    async with joined(mutant) as both:
        await both.client.say(b"Hello")
        assert await both.server.hear(len(arrives)) == arrives != b"Hello"
        await both.server.say(b"Hello")
        assert await both.client.hear(len(arrives)) == arrives
        assert not both.splice.client_way.is_identical
        assert not both.splice.server_way.is_identical
        assert both.copies[Direction.CLIENT] == b"Hello"  # the copy is what was read
