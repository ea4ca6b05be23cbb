"""A client for tests of the fake server: websockets' own, and a raw HTTP request over a stream.

Nothing of turnscope is used to speak, so that the server is judged by others' code.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from sessions.wire.fake import FakeServer, Options

KEY = {"Authorization": "Bearer sk-test-0000"}
MODEL = "gpt-6-astra"
TERMINAL = {"response.completed", "response.incomplete", "response.failed", "response.done", "error"}
Event = dict[str, Any]


class Client:
    """One socket, with the few things that tests do on it."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def send(self, frame: Mapping[str, Any] | str | bytes) -> None:
        """Send a frame as JSON, or a text or bytes as they are."""
        await self.socket.send(frame if isinstance(frame, str | bytes) else json.dumps(frame))

    async def receive(self) -> Event:
        """The next event; fails after five seconds."""
        async with asyncio.timeout(5):
            event = json.loads(await self.socket.recv())
        assert isinstance(event, dict)
        return event

    async def until(self, *types: str, lane: str | None = None) -> list[Event]:
        """Events up to the first of these types (of a lane, when one is named)."""
        events: list[Event] = []
        while True:
            event = await self.receive()
            events.append(event)
            if event.get("type") in types and (lane is None or event.get("stream_id") == lane):
                return events

    async def create(self, text: Any = None, /, **fields: Any) -> None:
        """Send a create; `text` is the input."""
        frame: Event = {"type": "response.create", "model": MODEL, "store": False}
        if text is not None:
            frame["input"] = text
        frame.update(fields)
        await self.send({key: value for key, value in frame.items() if value is not ...})

    async def turn(self, text: Any = None, /, **fields: Any) -> list[Event]:
        """Send a create and read up to its end."""
        await self.create(text, **fields)
        return await self.until(*TERMINAL)

    async def closed(self) -> tuple[int, str]:
        """Wait for the end; code and reason as this client sees them."""
        async with asyncio.timeout(5):
            await self.socket.wait_closed()
        return self.socket.close_code or 0, self.socket.close_reason or ""


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[FakeServer]:
    """A fake server under a seed; fails when it had a defect of its own."""
    async with FakeServer(Options(**{"seed": 7, **options})) as server:
        yield server
    crashes = [visit.crash for visit in server.log if visit.crash is not None]
    assert not crashes, crashes


@asynccontextmanager
async def connected(server: FakeServer, path: str = "/responses", **options: Any) -> AsyncIterator[Client]:
    """A socket to a fake server."""
    url = server.base_url.replace("http", "ws", 1) + path
    settings: dict[str, Any] = {
        "additional_headers": KEY,
        "proxy": None,
        "max_size": None,
        "max_queue": None,
        **options,
    }
    async with connect(url, **settings) as socket:
        yield Client(socket)


@asynccontextmanager
async def client(**options: Any) -> AsyncIterator[Client]:
    """A socket to a fake server of its own."""
    async with serving(**options) as server, connected(server) as one:
        yield one


def types(events: list[Event]) -> list[str]:
    """The types, runs of the same one written once."""
    names: list[str] = []
    for event in events:
        if not names or names[-1] != event.get("type"):
            names.append(str(event.get("type")))
    return names


def text_of(events: list[Event]) -> str:
    """The text of the first message, as its done event has it."""
    return next(str(event["text"]) for event in events if event["type"] == "response.output_text.done")


def id_of(events: list[Event]) -> str:
    """The id of the response that ended last."""
    return str(events[-1]["response"]["id"])


def code_of(events: list[Event]) -> object:
    """The code of the error that came last."""
    assert events[-1]["type"] == "error", events[-1]
    return events[-1]["error"]["code"]


async def http(server: FakeServer, raw: bytes, *, seconds: float = 2) -> bytes:
    """What comes back for these bytes, up to the end of the connection or that many seconds."""
    reader, writer = await asyncio.open_connection(server.options.host, server.port)
    writer.write(raw)
    received = b""
    try:
        async with asyncio.timeout(seconds):
            while chunk := await reader.read(65536):
                received += chunk
    except (TimeoutError, ConnectionError):
        pass
    writer.close()
    return received


def post(path: str, body: Any, *, headers: str = "Connection: close\r\n", key: bool = True) -> bytes:
    """The bytes of a POST."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    auth = "Authorization: Bearer sk-test-0000\r\n" if key else ""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{auth}{headers}Content-Length: {len(content)}\r\n\r\n"
    return head.encode() + content


def get(path: str, *, method: str = "GET", headers: str = "Connection: close\r\n", key: bool = True) -> bytes:
    """The bytes of a request without a body."""
    auth = "Authorization: Bearer sk-test-0000\r\n" if key else ""
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{auth}{headers}\r\n".encode()


def body_of(response: bytes) -> Any:
    """The JSON body of a response."""
    return json.loads(response.partition(b"\r\n\r\n")[2])


def status_of(response: bytes) -> int:
    """The status of a response."""
    return int(response.split(b" ", 2)[1])
