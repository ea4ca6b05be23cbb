"""The server's end of a socket: frames as a foreign client makes and reads them, and the copies of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.datastructures import Headers
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.http11 import Request
from websockets.server import ServerProtocol

from sessions.records import Direction
from sessions.wire.bridge_socket import BridgeSocket, Message
from sessions.wire.head import RequestHead, read_head
from sessions.wire.stream import ByteStream


class Served(ByteStream):
    """A connection that is upgraded at once; what its client says is kept, and echoed where it is text."""

    def __init__(self) -> None:
        super().__init__()
        self.ready: asyncio.Future[BridgeSocket] = asyncio.get_running_loop().create_future()
        self.gone = asyncio.Event()
        self.copied = {Direction.CLIENT: bytearray(), Direction.SERVER: bytearray()}

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.gone.set()

    async def upgraded(self) -> BridgeSocket:
        raw = b""
        while not isinstance(head := read_head(raw), RequestHead):
            raw += await self.read_some()
        self.put_back(raw[len(head.raw) :])
        protocol = ServerProtocol(extensions=[ServerPerMessageDeflateFactory()])
        fields = Headers((one.name, one.value) for one in head.fields)
        self.write(protocol.accept(Request(head.target, fields, head.method)).serialize())
        return BridgeSocket(self, protocol.extensions, lambda way, chunk: self.copied[way].extend(chunk))


@asynccontextmanager
async def joined(
    *, compression: str | None = None
) -> AsyncIterator[tuple[ClientConnection, BridgeSocket, Served]]:
    """A foreign client, and our end of its socket."""
    accepted: asyncio.Queue[Served] = asyncio.Queue()

    def accept() -> Served:
        served = Served()
        accepted.put_nowait(served)
        return served

    server = await asyncio.get_running_loop().create_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with asyncio.TaskGroup() as group:
        opening = group.create_task(_opened(f"ws://127.0.0.1:{port}/v1/responses", compression))
        served = await accepted.get()
        socket = await served.upgraded()
        client = await opening
        try:
            yield client, socket, served
        finally:
            client.transport.abort()
            served.close()
            server.close()


async def _opened(url: str, compression: str | None) -> ClientConnection:
    return await connect(url, proxy=None, compression=compression)


@pytest.mark.parametrize("compression", [None, "deflate"])
async def test_messages_cross_both_ways(compression: str | None) -> None:
    async with joined(compression=compression) as (client, socket, served), asyncio.timeout(5):
        messages = socket.messages()
        await client.send("héron")
        assert await anext(messages) == Message("héron".encode(), True)
        await client.send(b"\x00\x01")
        assert await anext(messages) == Message(b"\x00\x01", False)
        await client.send(["in ", "three ", "frames"])
        assert await anext(messages) == Message(b"in three frames", True)
        socket.send(b'{"a":1}')
        await socket.flush()
        assert await client.recv() == '{"a":1}'
        assert len(served.copied[Direction.CLIENT]) > len("héron")
        assert (b'{"a":1}' in served.copied[Direction.SERVER]) == (compression is None)


async def test_pings_are_answered_and_a_close_is_one() -> None:
    async with joined() as (client, socket, _), asyncio.TaskGroup() as group, asyncio.timeout(5):

        async def read() -> list[Message]:
            return [message async for message in socket.messages()]

        reading = group.create_task(read())
        await (await client.ping())
        await client.close(1000, "done")
        assert await reading == []
        assert socket.is_close_sent
        assert not socket.is_open
        socket.send(b"too late")
        socket.close(1001, "too late")


async def test_our_close_reaches_the_client() -> None:
    async with joined() as (client, socket, served), asyncio.timeout(5):
        socket.close(1001, "the bridge was stopped")
        assert socket.is_close_sent
        assert [one async for one in socket.messages()] == []  # the client answers it
        served.close()
        await client.wait_closed()
        assert (client.close_code, client.close_reason) == (1001, "the bridge was stopped")


async def test_a_client_that_is_gone_ends_what_waits() -> None:
    async with joined() as (client, socket, served), asyncio.timeout(5):
        client.transport.abort()
        assert [one async for one in socket.messages()] == []
        await served.gone.wait()
        with pytest.raises(OSError, match="ended"):
            await socket.flush()
        assert not socket.is_open
        assert not socket.is_close_sent
        socket.send(b"nobody reads this")
