"""HTTP/1.1 on the server side, over a real connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.wire.http1 import MAX_HEAD_BYTES, HttpConnection, Request, Unreadable

Serve = Callable[[HttpConnection], Awaitable[None]]


@asynccontextmanager
async def served(serve: Serve) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A client's end of a connection whose other end is served by `serve`."""

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await serve(HttpConnection(reader, writer, max_body_bytes=MOST))
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(one, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])
    try:
        yield reader, writer
    finally:
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()


#: of the bodies in these tests
MOST = 10


async def _request(raw: bytes, *, cut: int = 0) -> tuple[Request | Unreadable | None, bytes, bytes]:
    seen: list[tuple[Request | Unreadable | None, bytes]] = []

    async def serve(http: HttpConnection) -> None:
        request = await http.request()
        seen.append((request, http.trailing))
        if isinstance(request, Request):
            await http.respond(204)

    async with served(serve) as (reader, writer), asyncio.timeout(5):
        for part in (raw[:cut], raw[cut:]):
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)
        if writer.can_write_eof():
            writer.write_eof()
        answer = await reader.read()
    return *seen[0], answer


async def test_a_request_is_read_whole() -> None:
    raw = b"POST /v1/x?a=1&b=%20&a=2 HTTP/1.1\r\nHost: h\r\nX-Y: z\r\nContent-Length: 3\r\n\r\nabc"
    request, _, answer = await _request(raw)
    assert request == Request(
        "POST", "/v1/x?a=1&b=%20&a=2", (("host", "h"), ("x-y", "z"), ("content-length", "3")), b"abc"
    )
    assert (request.path, request.query("a"), request.query("b"), request.query("c")) == (
        "/v1/x",
        "1",
        " ",
        None,
    )
    assert (request.header("x-y"), request.header("nothing"), request.is_upgrade) == ("z", None, False)
    assert answer.startswith(b"HTTP/1.1 204")


async def test_an_absolute_target_has_a_path() -> None:
    request, _, _ = await _request(b"GET http://h:1/v1/x?q HTTP/1.1\r\nHost: h\r\n\r\n")
    assert isinstance(request, Request)
    assert request.path == "/v1/x"


@given(cut=st.integers(0, 100))
def test_a_request_may_be_cut_anywhere(cut: int) -> None:
    raw = b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
    request, _, _ = asyncio.run(_request(raw, cut=cut))
    assert isinstance(request, Request)
    assert request.body == b"abc"


async def test_what_follows_an_upgrade_is_kept_apart() -> None:
    raw = b"GET /x HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n\x81\x85frame"
    request, trailing, _ = await _request(raw)
    assert isinstance(request, Request)
    assert request.is_upgrade
    assert trailing == b"\x81\x85frame"


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),  # no Host
        (b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"y" * (MAX_HEAD_BYTES + 1), 431),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc", 400),  # ends too early
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    ],
)
async def test_what_is_no_http_is_refused_and_said(raw: bytes, status: int) -> None:
    request, _, answer = await _request(raw)
    assert isinstance(request, Unreadable)
    assert request.status == status
    assert answer.startswith(f"HTTP/1.1 {status}".encode())
    assert b'"error"' in answer


async def test_a_body_above_the_limit_is_413() -> None:
    request, _, answer = await _request(
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n" + b"x" * 11
    )
    assert isinstance(request, Unreadable)
    assert answer.startswith(b"HTTP/1.1 413")


async def test_a_client_that_says_nothing_is_none() -> None:
    request, _, answer = await _request(b"")
    assert (request, answer) == (None, b"")


async def test_a_response_of_unknown_length_is_chunked_and_the_next_request_follows() -> None:
    async def serve(http: HttpConnection) -> None:
        while isinstance(await http.request(), Request):
            await http.start(200, (("content-type", "text/event-stream"),))
            await http.write(b"one")
            await http.write(b"two")
            await http.finish()
            if not http.is_reusable():
                return

    async with served(serve) as (reader, writer), asyncio.timeout(5):
        writer.write(
            b"GET / HTTP/1.1\r\nHost: h\r\n\r\nHEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
        )
        answer = await reader.read()
    assert b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n" in answer
    assert answer.count(b"HTTP/1.1 200") == 2
    assert answer.endswith(b"\r\n\r\n")


async def test_a_client_of_http_1_0_gets_the_end_of_the_connection_as_the_end() -> None:
    async def serve(http: HttpConnection) -> None:
        assert isinstance(await http.request(), Request)
        await http.start(200)
        await http.write(b"all")
        await http.finish()
        assert not http.is_reusable()

    async with served(serve) as (reader, writer), asyncio.timeout(5):
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        answer = await reader.read()
    assert answer.endswith(b"\r\n\r\nall")


async def test_an_unknown_status_has_no_phrase_and_json_keeps_its_letters() -> None:
    async def serve(http: HttpConnection) -> None:
        await http.request()
        await http.respond_json(299, {"é": "\ud800"})

    async with served(serve) as (reader, writer), asyncio.timeout(5):
        writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        writer.write_eof()
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 299 \r\n")
    assert "é".encode() in answer
