"""Small real servers for the tests of `sessions.wire`: raw answers, tunnels, SOCKS; loopback only.

They stand for other programs, so they are written with asyncio's streams and nothing of ours.
"""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from websockets.asyncio.server import Server, ServerConnection, serve

from sessions.secret import NO_SECRET, Secret
from sessions.wire.endpoint import derive
from sessions.wire.plan import Plan

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
KEY = "sk-test-0123456789abcdef"


@asynccontextmanager
async def raw_server(talk: Talk, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server whose every connection is one call of `talk`; gives its port."""
    writers: list[asyncio.StreamWriter] = []

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with suppress(OSError, asyncio.IncompleteReadError):
            await talk(reader, writer)
        writer.close()

    server = await asyncio.start_server(one, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await server.wait_closed()
        for writer in writers:
            with suppress(OSError):
                await writer.wait_closed()


def answering(answer: bytes, *, stays_open: bool = False) -> Talk:
    """Read a request's head, write these bytes, and close or stay silent."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        if stays_open:
            await reader.read()

    return talk


@asynccontextmanager
async def socket_server(
    talk: Callable[[ServerConnection], Awaitable[None]],
    context: ssl.SSLContext | None = None,
    compression: str | None = "deflate",
) -> AsyncIterator[int]:
    """A WebSocket server by websockets; gives its port."""
    server: Server
    async with serve(talk, "127.0.0.1", 0, ssl=context, compression=compression) as server:
        yield next(iter(server.sockets)).getsockname()[1]


def plan_to(
    port: int,
    *,
    path: str = "/v1",
    scheme: str = "http",
    host: str = "127.0.0.1",
    key: Secret = NO_SECRET,
    open_timeout_seconds: float = 5.0,
) -> Plan:
    """A plan for a server on this machine."""
    endpoint = derive(f"{scheme}://{host}:{port}{path}")
    return Plan(endpoint, key=key, open_timeout_seconds=open_timeout_seconds)


@dataclass
class Tunnels:
    """What a proxy has seen."""

    port: int = 0
    targets: list[str] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def _splice(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, hello: bytes
) -> None:
    up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(hello)
    async with asyncio.TaskGroup() as group:
        group.create_task(_pump(reader, up_writer))
        group.create_task(_pump(up_reader, writer))
    with suppress(OSError):
        await up_writer.wait_closed()


@asynccontextmanager
async def connect_proxy(
    refusal: bytes = b"", login: str = "", context: ssl.SSLContext | None = None
) -> AsyncIterator[Tunnels]:
    """An HTTP CONNECT proxy to this machine; it may refuse with these bytes, or want this login."""
    seen = Tunnels()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen.heads.append(head)
        target = head.split(b" ")[1].decode()
        seen.targets.append(target)
        wanted = b"Proxy-Authorization: Basic " + b64encode(login.encode())
        if refusal or (login and wanted not in head):
            writer.write(
                refusal
                or b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 9\r\n\r\nno login\n"
            )
            await writer.drain()
            return
        port = int(target.rpartition(":")[2])
        await _splice(reader, writer, port, b"HTTP/1.1 200 Connection established\r\n\r\n")

    async with raw_server(talk, context) as port:
        seen.port = port
        yield seen


@asynccontextmanager
async def socks_proxy(reply: int = 0) -> AsyncIterator[Tunnels]:
    """A SOCKS5 proxy without login that tunnels to this machine, or answers with this error."""
    seen = Tunnels()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, methods = await reader.readexactly(2)
        await reader.readexactly(methods)
        writer.write(b"\x05\x00")
        *_, kind = await reader.readexactly(4)
        if kind == 3:
            host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
        else:
            host = ".".join(str(part) for part in await reader.readexactly(4 if kind == 1 else 16))
        port = int.from_bytes(await reader.readexactly(2))
        seen.targets.append(f"{host}:{port}")
        answer = bytes([5, reply, 0, 1, 127, 0, 0, 1, 0, 0])
        if reply:
            writer.write(answer)
            await writer.drain()
            return
        await _splice(reader, writer, port, answer)

    async with raw_server(talk) as port:
        seen.port = port
        yield seen


def free_port() -> int:
    """A port on which nothing listens now."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
