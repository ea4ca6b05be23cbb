"""One client's connection to a tap, byte by byte: early bytes, interim answers, leaving, asking again."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import cast

import pytest

from sessions.records import Direction, Kind
from sessions.wire.splice import break_off
from tests.sessions.tapping import has, of_kind, tapped, texts
from tests.sessions.wire_servers import answering, raw_server

UPGRADE = (
    b"GET /v1/responses HTTP/1.1\r\nHost: the.tap.local\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
)
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nconnection:  UPGRADE\r\n\r\n"


@asynccontextmanager
async def exchange_of(port: int, asked: bytes) -> AsyncIterator[asyncio.StreamReader]:
    """A connection on which this was said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(asked)
    try:
        yield reader
    finally:
        writer.close()


async def exchange_bytes(port: int, asked: bytes) -> bytes:
    """Everything that comes back for these bytes, until the connection ends."""
    async with exchange_of(port, asked) as reader:
        return await reader.read()


async def test_only_target_and_host_are_rewritten_and_the_101_is_passed_on_as_it_is(tmp_path: Path) -> None:
    seen: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(SWITCHED + b"\x81\x02hi")
        await writer.drain()
        writer.write(b"\x88\x00")

    odd = b"x-ODD:   kept  \r\nsec-websocket-KEY: a\r\n\r\n"
    async with raw_server(talk) as port:
        async with tapped(f"http://127.0.0.1:{port}/v1?region=eu", tmp_path) as tap:
            assert await exchange_bytes(tap.tap.port, UPGRADE + odd) == SWITCHED + b"\x81\x02hi\x88\x00"
            records = await tap.until(has(Kind.NOTE, "digest"))
    assert seen == [
        (UPGRADE + odd)
        .replace(b"/v1/responses", b"/v1/responses?region=eu")
        .replace(b"the.tap.local", f"127.0.0.1:{port}".encode())
    ]
    assert texts(records, Direction.SERVER) == [b"hi"]
    assert records[0].payload == UPGRADE + odd + SWITCHED  # as the client wrote it
    assert records[-1].meta["server_bytes"] == 6  # from the end of the head on


@contextmanager
def full_backlog() -> Iterator[int]:
    """A port that accepts nobody any more, so that dialling it takes long."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            with suppress(BlockingIOError):
                waiting.connect(listening.getsockname())
        yield listening.getsockname()[1]


async def test_bytes_that_come_with_the_request_belong_to_the_frames(tmp_path: Path) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(SWITCHED)
        assert await reader.readexactly(6) == b"\x89\x80abcd"

    async with raw_server(talk) as port:
        async with tapped(f"http://127.0.0.1:{port}/v1", tmp_path) as tap:
            async with exchange_of(tap.tap.port, UPGRADE + b"\r\n\x89\x80abcd") as reader:
                assert await reader.read() == SWITCHED
                records = await tap.until(has(Kind.PING))
    assert of_kind(records, Kind.PING)[0].direction is Direction.CLIENT


async def test_interim_answers_are_passed_on(tmp_path: Path) -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    refusal = b"HTTP/1.1 500 Oops\r\nConnection: close\r\n\r\nwhy"
    async with raw_server(answering(interim + refusal)) as port:
        async with tapped(f"http://127.0.0.1:{port}/v1", tmp_path) as tap:
            assert await exchange_bytes(tap.tap.port, UPGRADE + b"\r\n") == interim + refusal
            (record,) = await tap.until(has(Kind.REFUSED))
    assert record.payload == refusal


async def test_a_client_that_leaves_before_its_answer_leaves_upstream_too(tmp_path: Path) -> None:
    arrived, left = asyncio.Event(), asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        arrived.set()
        await reader.read()
        left.set()

    async with raw_server(talk) as port:
        async with tapped(f"http://127.0.0.1:{port}/v1", tmp_path) as tap:
            async with exchange_of(tap.tap.port, UPGRADE + b"\r\n"):
                await arrived.wait()
            async with asyncio.timeout(5):
                await left.wait()
            (record,) = await tap.until(has(Kind.REFUSED))
    assert record.meta["detail"] == "the client went before it had an answer"
    assert record.meta["by"] == "client"


async def test_a_client_that_leaves_an_http_exchange_ends_it_upstream_and_it_is_told(tmp_path: Path) -> None:
    arrived, left = asyncio.Event(), asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        arrived.set()
        await reader.read()
        left.set()

    async with raw_server(talk) as port:
        async with tapped(f"http://127.0.0.1:{port}/v1", tmp_path) as tap:
            async with exchange_of(tap.tap.port, b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n"):
                await arrived.wait()
            async with asyncio.timeout(5):
                await left.wait()
            records = await tap.until(has(Kind.LOST))
    assert [one.kind for one in records] == [Kind.REQUEST, Kind.NOTE, Kind.LOST]
    first, then = str(records[2].meta["detail"]).split("; ")
    assert first == "the client ended its half of the connection"
    assert then == "then the upstream ended the connection without an answer"
    assert not tap.troubles


async def test_a_client_that_ends_its_half_behind_its_request_gets_its_answer(tmp_path: Path) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate"
    heard: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read())  # to the end of the client's half
        writer.write(answer)
        await writer.drain()

    asked = (
        b"POST /v1/responses HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    )
    async with raw_server(talk) as port:
        async with tapped(f"http://127.0.0.1:{port}/v1", tmp_path) as tap:
            reader, writer = await asyncio.open_connection("127.0.0.1", tap.tap.port)
            writer.write(asked)
            writer.write_eof()
            assert await reader.read() == answer
            writer.close()
            records = await tap.until(has(Kind.NOTE, "end"))
    assert heard[0].endswith(b"\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
    assert [one.kind for one in records] == [Kind.REQUEST, Kind.NOTE, Kind.RESPONSE, Kind.NOTE]
    assert records[1].meta["note"] == "half_ended"


@pytest.mark.parametrize("asked", [b"GET /v1/models HTTP/1.1\r\nHost: x\r\n", UPGRADE])
async def test_an_upstream_that_breaks_off_as_the_client_ends_its_half_is_told_as_it_was(
    tmp_path: Path, asked: bytes
) -> None:
    reset, heard = asyncio.Event(), asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        heard.set()
        await reset.wait()
        break_off(cast(asyncio.Transport, writer.transport))

    async with raw_server(talk) as port:
        async with tapped(f"http://127.0.0.1:{port}/v1", tmp_path) as tap:
            reader, writer = await asyncio.open_connection("127.0.0.1", tap.tap.port)
            writer.write(asked + b"\r\n")
            await heard.wait()
            reset.set()
            writer.write_eof()  # both reach the tap in one turn of its loop, in this order or the other
            with suppress(ConnectionResetError):
                assert await reader.read() == b""
            writer.close()
            kind = Kind.REFUSED if asked is UPGRADE else Kind.LOST
            (record,) = of_kind(await tap.until(has(kind)), kind)
    assert not tap.troubles
    assert "broke the connection" in str(record.meta["detail"])


async def test_a_client_that_leaves_in_its_request_leaves_what_is_being_dialled(tmp_path: Path) -> None:
    with full_backlog() as port:
        async with tapped(f"http://127.0.0.1:{port}/v1", tmp_path) as tap:
            asked = b"POST /v1/responses HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"
            async with exchange_of(tap.tap.port, asked):
                pass
            records = await tap.until(has(Kind.LOST))
            await tap.tap.settled(5)
            assert not tap.tap.open_count
    assert [one.kind for one in records] == [Kind.REQUEST, Kind.LOST]


async def test_a_client_that_leaves_its_answer_is_found_out_when_more_of_it_comes(tmp_path: Path) -> None:
    left = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        await reader.read()  # its end, passed on
        with suppress(OSError):
            while not reader.at_eof() or not writer.is_closing():
                writer.write(b"data: {}\n\n")
                await writer.drain()
                await asyncio.sleep(0)
        left.set()

    async with raw_server(talk) as port:
        async with tapped(f"http://127.0.0.1:{port}/v1", tmp_path) as tap:
            async with exchange_of(tap.tap.port, b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n") as reader:
                await reader.readuntil(b"\r\n\r\n")
            async with asyncio.timeout(5):
                await left.wait()
            records = await tap.until(has(Kind.LOST))
    (lost,) = of_kind(records, Kind.LOST)
    assert lost.meta["detail"] == "the client ended the connection before its answer was complete"
    assert not tap.troubles


async def test_an_upgrade_after_other_requests_on_the_same_connection(tmp_path: Path) -> None:
    models = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(SWITCHED if b"Upgrade" in head else models)
        await reader.read()

    async with raw_server(talk) as port:
        async with tapped(f"http://127.0.0.1:{port}/v1", tmp_path) as tap:
            both = b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n" + UPGRADE + b"\r\n"
            async with exchange_of(tap.tap.port, both) as reader:
                assert await reader.readexactly(len(models + SWITCHED)) == models + SWITCHED
            records = await tap.until(has(Kind.LOST))
    assert [one.session for one in of_kind(records, Kind.REQUEST, Kind.OPEN)] == [1, 2]


async def test_the_upstreams_end_after_a_refusal_is_the_clients_too(tmp_path: Path) -> None:
    refusal = b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone"
    async with raw_server(answering(refusal)) as port:
        async with tapped(f"http://127.0.0.1:{port}/v1", tmp_path) as tap:
            assert await exchange_bytes(tap.tap.port, UPGRADE + b"\r\n") == refusal


async def test_a_request_that_h11_does_not_take_is_answered_and_told(tmp_path: Path) -> None:
    async with raw_server(answering(b"")) as port:
        async with tapped(f"http://127.0.0.1:{port}/v1", tmp_path) as tap:
            answer = await exchange_bytes(tap.tap.port, b"POST /v1/responses HTTP/1.1\r\n\r\n")
            (record,) = await tap.until(has(Kind.REFUSED))
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert record.meta["detail"] == "the tap cannot read this request: Missing mandatory Host: header"
    assert record.meta["by"] == "tap"


async def test_a_proxys_request_and_a_foreign_host_are_refused_and_told(tmp_path: Path) -> None:
    asked = {
        b"CONNECT elsewhere.example:443 HTTP/1.1\r\nHost: elsewhere.example:443\r\n\r\n": "it is no proxy",
        b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n": "it is no proxy",
        b"GET /v1/models HTTP/1.1\r\nHost: rebound.example\r\n\r\n": "its Host is not a name of this machine",
    }
    seen: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.read())

    async with raw_server(talk) as port:
        async with tapped(f"http://127.0.0.1:{port}/v1", tmp_path) as tap:
            for request, said in asked.items():
                answer = await exchange_bytes(tap.tap.port, request)
                assert answer.startswith(b"HTTP/1.1 403 Forbidden\r\n")
                assert said.encode() in answer
            records = await tap.until(lambda found: len(found) == len(asked))
    assert all(said in str(one.meta["detail"]) for said, one in zip(asked.values(), records, strict=True))
    assert {(one.kind, one.meta["by"]) for one in records} == {(Kind.REFUSED, "tap")}
    assert not seen
    assert not tap.troubles


async def test_a_head_with_bare_line_ends_keeps_its_framing_and_hides_its_key(tmp_path: Path) -> None:
    key = "opaque-key-of-somebody"
    head = (
        f"POST /v1/x HTTP/1.1\nHost: localhost\nAuthorization: Bearer {key}\n"
        "Transfer-Encoding: chunked\nConnection: close\n\n"
    )
    sent: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\n\n")
        sent.append(await reader.readuntil(b"0\r\n\r\n"))
        writer.write(f"HTTP/1.1 401 No\nX-Api-Key: {key}\nContent-Length: {len(key)}\n\n{key}".encode())

    async with raw_server(talk) as port:
        async with tapped(f"http://127.0.0.1:{port}/v1", tmp_path) as tap:
            answer = await exchange_bytes(tap.tap.port, head.encode() + b"3\r\nabc\r\n0\r\n\r\n")
    assert answer.endswith(key.encode())
    assert sent == [b"3\r\nabc\r\n0\r\n\r\n"]
    assert key not in tap.path.read_text()


async def test_a_client_of_http_1_0_sees_the_end_of_its_answer(tmp_path: Path) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    async with raw_server(answering(answer, stays_open=True)) as port:
        async with tapped(f"http://127.0.0.1:{port}/v1", tmp_path) as tap:
            async with asyncio.timeout(5):
                old = b"GET /v1/x HTTP/1.0\r\nHost: localhost\r\n\r\n"
                assert await exchange_bytes(tap.tap.port, old) == answer
