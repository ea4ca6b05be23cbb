"""Where bodies end, as h11 sees it, whatever the pieces are."""

from __future__ import annotations

import asyncio

import pytest

from sessions.wire.answer import parse_head
from sessions.wire.lengths import AnswerEnd, RequestBody
from sessions.wire.stream import ByteStream


def end_of(head: bytes) -> AnswerEnd:
    return AnswerEnd(parse_head(b"HTTP/1.1 404 Not Found\r\n" + head + b"\r\n"))


@pytest.mark.parametrize("piece", [1, 3, 100])
@pytest.mark.parametrize(
    ("head", "body"),
    [(b"Content-Length: 5\r\n", b"hello"), (b"Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\n0\r\n\r\n")],
)
def test_a_length_and_chunks_have_an_end(head: bytes, body: bytes, piece: int) -> None:
    end = end_of(head)
    for start in range(0, len(body), piece):
        assert not end.is_reached
        end.feed(body[start : start + piece])
    assert end.is_reached
    assert end.is_reusable


def test_an_answer_without_a_body_has_ended() -> None:
    assert end_of(b"Content-Length: 0\r\n").is_reached


def test_without_a_length_it_ends_with_the_connection() -> None:
    end = end_of(b"")
    end.feed(b"anything")
    assert not end.is_reached
    assert not end.is_reusable


def test_a_connection_that_will_be_closed_is_not_used_again() -> None:
    end = end_of(b"Content-Length: 2\r\nConnection: close\r\n")
    end.feed(b"ok")
    assert end.is_reached
    assert not end.is_reusable


@pytest.mark.parametrize("head", [b"Content-Length: x\r\n", b"Transfer-Encoding: odd\r\n", b"no colon\r\n"])
def test_an_answer_that_h11_does_not_take_is_passed_on_until_it_ends(head: bytes) -> None:
    end = end_of(head)
    end.feed(b"anything")
    assert not end.is_reached


async def chunks(head: bytes, *pieces: bytes) -> tuple[list[bytes], RequestBody]:
    stream = ByteStream()
    body = RequestBody(stream, head)
    found: list[bytes] = []
    async with asyncio.TaskGroup() as group:

        async def read() -> None:
            found.extend([chunk async for chunk in body.chunks()])

        group.create_task(read())
        for piece in pieces:
            await asyncio.sleep(0)
            stream.data_received(piece)
        await asyncio.sleep(0)
        stream.eof_received()
    return found, body


HEAD = b"POST /v1/responses HTTP/1.1\r\nHost: x\r\n"


async def test_a_body_comes_without_chunk_sizes_and_the_next_request_stays() -> None:
    head = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    found, body = await chunks(head, b"3\r\none\r\n", b"4\r\nmore\r\n0\r\n\r\nGET / HTTP/1.1\r\n")
    assert b"".join(found) == b"onemore"
    assert body.is_whole
    assert body.rest == b"GET / HTTP/1.1\r\n"


async def test_a_request_without_a_body_has_none() -> None:
    found, body = await chunks(HEAD + b"\r\n")
    assert (found, body.is_whole, body.rest) == ([], True, b"")


async def test_a_client_that_ends_in_the_middle_has_gone() -> None:
    with pytest.raises(ExceptionGroup) as raised:
        await chunks(HEAD + b"Content-Length: 10\r\n\r\n", b"half")
    assert isinstance(raised.value.exceptions[0], ConnectionResetError)
