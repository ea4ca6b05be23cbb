"""Bytes that are no request are answered and written down, and no credential in them is."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessions.records import Direction, Kind
from sessions.wire.unread import KEPT_BYTES, masked_beginning
from tests.sessions.tapping import has, tapped
from tests.sessions.test_tapped import exchange_bytes
from tests.sessions.wire_servers import answering, raw_server
from tests.verdict import judged

KEY = b"opaque-key-of-somebody"
HEAD = b"POST /v1/responses HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize(
    ("sent", "status", "said", "kept"),
    [
        (
            HEAD + b"X-Long: " + b"a" * 100_000,
            431,
            "the head is longer than 65536 bytes",
            (HEAD + b"X-Long: " + b"a" * 100_000)[:KEPT_BYTES],
        ),
        (
            HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
            400,
            "there are both Content-Length and Transfer-Encoding",
            HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
        ),
        (
            b"GET /v1/models HTTP/9.9\r\n\r\n",
            505,
            "HTTP/9.9 cannot be spoken here, only HTTP/1.1",
            b"GET /v1/models HTTP/9.9\r\n\r\n",
        ),
        (
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            505,
            "HTTP/2.0 cannot be spoken here, only HTTP/1.1",
            b"PRI * HTTP/2.0\r\n\r\n",
        ),
        (b"garbage\r\n", 400, "this is not HTTP/1.1: it starts with 'garbage'", b"garbage\r\n"),
        (b"HTTP/1.1 200 OK\r\n\r\n", 400, "it is an answer", b"HTTP ***\r\n\r\n"),
    ],
)
async def test_what_cannot_be_read_is_answered_and_written_down(
    tmp_path: Path, sent: bytes, status: int, said: str, kept: bytes
) -> None:
    async with raw_server(answering(b"")) as port:
        async with tapped(f"http://127.0.0.1:{port}/v1", tmp_path) as tap:
            answer = await exchange_bytes(tap.tap.port, sent)
            (record,) = await tap.until(has(Kind.REFUSED))
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert (record.session, record.direction) == (1, Direction.LOCAL)
    assert record.meta["detail"] == f"the tap cannot read this request: {said}"
    assert (record.meta["by"], record.meta["status"]) == ("tap", status)
    assert record.payload == kept
    assert not tap.troubles
    (finding,) = judged([record])
    assert (finding.id, finding.who) == ("tap-refused", "client")
    assert said in finding.evidence


@pytest.mark.parametrize(
    "sent",
    [
        HEAD + b"Authorization: Bearer " + KEY + b"\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        HEAD + b"Authorization: Bearer\r\n " + KEY + b"\r\n\r\n",
        HEAD + b"Authorization Bearer " + KEY + b"\r\n\r\n",
        HEAD + b"Authorization Bearer " + KEY + b": x\r\n\r\n",
        b"Authorization: Bearer " + KEY + b"\r\n\r\n",
        b"Bearer " + KEY + b"\r\n\r\n",
        b"GET /v1/models?api_key=" + KEY + b" HTTP/9.9\r\n\r\n",
        HEAD + b"X-Echo: " + KEY + b"\r\nX-Api-Key: " + KEY + b"\r\nOops\r\n\r\n",
        HEAD + b"Content-Length: 1, 2\r\n\r\n" + KEY,
    ],
)
async def test_no_credential_of_it_is_written_down(tmp_path: Path, sent: bytes) -> None:
    async with raw_server(answering(b"")) as port:
        async with tapped(f"http://127.0.0.1:{port}/v1", tmp_path) as tap:
            await exchange_bytes(tap.tap.port, sent)
            await tap.until(has(Kind.REFUSED))
    assert KEY[:8] not in tap.path.read_bytes()


def test_what_was_masked_is_named() -> None:
    assert masked_beginning(b"GET / HTTP/9.9\r\nCookie: a=b\r\n\r\n", ()) == (
        b"GET / HTTP/9.9\r\nCookie: ***\r\n\r\n",
        ("cookie",),
    )
    assert masked_beginning(b"\r\nwhat is this\r\n", ()) == (b"what ***\r\n", ("line",))
    assert masked_beginning(b"", ()) == (b"", ())
