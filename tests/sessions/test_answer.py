"""An HTTP answer within bounds, however it is cut, endless or odd."""

from __future__ import annotations

import asyncio

import pytest

from sessions.wire.answer import BODY_BYTES, HEAD_BYTES, Answer, NotHttp, parse_head, read_body, read_head
from sessions.wire.stream import ByteStream


class Wire(asyncio.Transport):
    """A transport that goes nowhere."""

    def pause_reading(self) -> None:
        """Ignored."""

    def resume_reading(self) -> None:
        """Ignored."""


def stream_of(*parts: bytes, ended: bool = True) -> ByteStream:
    """A stream that has received these parts."""
    stream = ByteStream()
    stream.connection_made(Wire())
    for part in parts:
        stream.data_received(part)
    if ended:
        stream.eof_received()
    return stream


async def answer_of(raw: bytes, *, ended: bool = True) -> Answer:
    """Head and body of an answer."""
    stream = stream_of(raw, ended=ended)
    return await read_body(stream, await read_head(stream))


async def test_a_plain_answer() -> None:
    answer = await answer_of(
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello, and more", ended=False
    )
    assert (answer.status, answer.reason, answer.version) == (403, "Forbidden", "1.1")
    assert answer.header("x-a") == "b"
    assert answer.header("missing") == ""
    assert answer.text.startswith("hello")


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.0 403 Forbidden\r\n\r\nno length",
        b"HTTP/1.1 403\r\n\r\nno length",
        b"HTTP/1.1 403 Forbidden\n\nno length",
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: abc\r\n\r\nno length",
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 999\r\n\r\nno length",
        b"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nno \r\n6\r\nlength\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 Forbidden\r\n\r\nno length",
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 403 Forbidden\r\n\r\nno length",
    ],
)
async def test_odd_answers_keep_status_and_body(raw: bytes) -> None:
    answer = await answer_of(raw)
    assert (answer.status, answer.text) == (403, "no length")


async def test_a_body_that_never_ends_costs_a_second_and_8_kib() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    loop = asyncio.get_running_loop()
    began = loop.time()
    answer = await answer_of(head + b"data: 1\n\n", ended=False)
    assert answer.text == "data: 1\n\n"
    assert 0.9 < loop.time() - began < 3
    long = await answer_of(head + b"x" * 100_000, ended=False)
    assert len(long.body) == BODY_BYTES


async def test_bytes_after_an_upgrade_stay_on_the_stream() -> None:
    stream = stream_of(b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x02hi", ended=False)
    assert (await read_head(stream)).status == 101
    assert stream.take() == b"\x81\x02hi"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "not HTTP"),
        (b"\x15\x03\x01\x00\x02\x02F", "not HTTP"),
        (b"HTTP/1.1 nonsense\r\n\r\n", "not HTTP"),
        (b"", "without an answer"),
        (b"HTTP/1.1 200 OK\r\nX: ", "in the middle"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * (HEAD_BYTES + 1), "longer than"),
    ],
)
async def test_what_is_not_http_is_told_with_its_bytes(raw: bytes, said: str) -> None:
    with pytest.raises(NotHttp, match=said) as caught:
        await read_head(stream_of(raw))
    assert caught.value.received == raw


async def test_a_broken_connection_is_told() -> None:
    stream = stream_of(ended=False)
    stream.connection_lost(ConnectionResetError(104, "Connection reset by peer"))
    with pytest.raises(NotHttp, match="Connection reset by peer"):
        await read_head(stream)


@pytest.mark.parametrize("cut", range(1, 60, 7))
async def test_a_head_may_come_in_any_pieces(cut: int) -> None:
    raw = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3\r\n\r\nslow"
    stream = stream_of(raw[:cut], raw[cut:])
    answer = await read_body(stream, await read_head(stream))
    assert (answer.status, answer.header("Retry-After"), answer.text) == (429, "3", "slow")


def test_lines_that_are_no_headers_are_skipped() -> None:
    answer = parse_head(b"HTTP/1.1 200 OK\r\nno colon here\r\nA: 1\r\n\r\n")
    assert answer.headers == (("A", "1"),)
