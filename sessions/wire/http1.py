"""HTTP/1.1 on the server side: one connection, request after request, until one of them is an upgrade.

Its one rule: h11 decides where a request and a response end; nothing here looks for a length by hand.
An upgrade is handed out with the bytes that followed it, and from there on this module writes nothing more.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import parse_qsl, urlsplit

import h11

#: a request head above this is refused; ordinary clients stay below 2 KiB
MAX_HEAD_BYTES = 1 << 16
#: a request body above this is refused with 413
MAX_BODY_BYTES = 64 << 20
_READ_BYTES = 1 << 16

HeaderPairs: TypeAlias = tuple[tuple[str, str], ...]


class Request(NamedTuple):
    """One request, its body read to the end."""

    method: str
    target: str  #: exactly as on the request line
    headers: HeaderPairs  #: names in lower case, in order
    body: bytes = b""

    @property
    def path(self) -> str:
        """The target without its query; an absolute target is cut down to its path."""
        return urlsplit(self.target).path if self.target[:1] != "/" else self.target.partition("?")[0]

    def query(self, name: str) -> str | None:
        """The first value of a query parameter, None when it is absent."""
        for key, value in parse_qsl(self.target.partition("?")[2], keep_blank_values=True):
            if key == name:
                return value
        return None

    def header(self, name: str) -> str | None:
        """The first value of a header, None when it is absent."""
        for key, value in self.headers:
            if key == name:
                return value
        return None

    @property
    def is_upgrade(self) -> bool:
        """Whether the client asks to switch this connection to WebSocket."""
        return any(key == "upgrade" and "websocket" in value.lower() for key, value in self.headers)


class Unreadable(NamedTuple):
    """A request that broke HTTP; it has been answered, the connection is over."""

    status: int
    reason: str


class HttpConnection:
    """One accepted connection that speaks HTTP/1.1."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self._max_body_bytes = max_body_bytes
        self._reader = reader
        self._writer = writer
        self._protocol = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._method = ""

    async def request(self) -> Request | Unreadable | None:
        """Wait for the next request; None when the client is done or gone."""
        head: h11.Request | None = None
        body: list[bytes] = []
        size = 0
        while True:
            try:
                event = self._protocol.next_event()
            except h11.RemoteProtocolError as error:
                return await self._refuse(error.error_status_hint or 400, str(error))
            if event is h11.NEED_DATA:
                if self._protocol.they_are_waiting_for_100_continue:
                    self._send(h11.InformationalResponse(status_code=100, headers=[]))
                received = await self._reader.read(_READ_BYTES)
                try:
                    self._protocol.receive_data(received)
                except h11.RemoteProtocolError as error:  # bytes after the end of what may be sent
                    return await self._refuse(error.error_status_hint or 400, str(error))
                if not received and head is None and not self._protocol.trailing_data[0]:
                    return None
            elif isinstance(event, h11.Request):
                head = event
                self._method = event.method.decode("ascii")
            elif isinstance(event, h11.Data):
                size += len(event.data)
                if size > self._max_body_bytes:
                    return await self._refuse(413, f"the body is larger than {self._max_body_bytes} bytes")
                body.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                assert head is not None  # h11 gives the request before its end
                pairs = tuple((name.decode("ascii"), value.decode("latin-1")) for name, value in head.headers)
                return Request(self._method, head.target.decode("latin-1"), pairs, b"".join(body))
            else:  # ConnectionClosed
                return None

    @property
    def trailing(self) -> bytes:
        """What the client sent after an upgrade request; it belongs to the other protocol."""
        return bytes(self._protocol.trailing_data[0])

    async def respond(self, status: int, headers: Iterable[tuple[str, str]] = (), body: bytes = b"") -> None:
        """Answer the request in one go; the length is added, HEAD gets the head alone."""
        self._send(
            h11.Response(
                status_code=status,
                reason=_phrase(status),
                headers=[*_encoded(headers), (b"content-length", str(len(body)).encode())],
            )
        )
        if body and self._method != "HEAD":
            self._send(h11.Data(data=body))
        self._send(h11.EndOfMessage())
        await self._writer.drain()

    async def respond_json(self, status: int, body: Any, headers: Iterable[tuple[str, str]] = ()) -> None:
        """Answer with one JSON value."""
        encoded = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass")
        await self.respond(status, [("content-type", "application/json"), *headers], encoded)

    async def start(self, status: int, headers: Iterable[tuple[str, str]] = ()) -> None:
        """Begin a response whose length is not known; h11 chunks it, or ends it with the connection."""
        self._send(h11.Response(status_code=status, reason=_phrase(status), headers=_encoded(headers)))
        await self._writer.drain()

    async def write(self, chunk: bytes) -> None:
        """Add to a response that was begun with `start`."""
        if self._method != "HEAD":
            self._send(h11.Data(data=chunk))
            await self._writer.drain()

    async def finish(self) -> None:
        """End a response that was begun with `start`."""
        self._send(h11.EndOfMessage())
        await self._writer.drain()

    def abort(self, *, is_reset: bool) -> None:
        """End the connection in the middle of a response: by reset, or after what was written."""
        if is_reset:
            sock = self._writer.get_extra_info("socket")
            if sock is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._writer.transport.abort()
        else:
            self._writer.close()

    def is_reusable(self) -> bool:
        """Make ready for the next request; False when the connection has to be closed instead."""
        if self._protocol.our_state is h11.DONE and self._protocol.their_state is h11.DONE:
            self._protocol.start_next_cycle()
            return True
        return False

    async def _refuse(self, status: int, reason: str) -> Unreadable:
        if self._protocol.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            error = {"message": f"Not HTTP/1.1: {reason}.", "type": "invalid_request_error"}
            await self.respond_json(status, {"error": error}, [("connection", "close")])
        return Unreadable(status, reason)

    def _send(self, event: h11.Event) -> None:
        encoded = self._protocol.send(event)
        if encoded:
            self._writer.write(encoded)


def _encoded(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers]


def _phrase(status: int) -> bytes:
    try:
        return HTTPStatus(status).phrase.encode("ascii")
    except ValueError:
        return b""
