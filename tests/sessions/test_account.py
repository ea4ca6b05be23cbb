"""What a tap writes down about a request: who asked, what was masked, what came instead of a socket."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessions.records import Kind
from tests.sessions.tapping import has, of_kind, tapped
from tests.sessions.test_lengths import HEAD
from tests.sessions.test_tapped import UPGRADE, exchange_bytes, exchange_of
from tests.sessions.wire_servers import KEY, answering, raw_server


@pytest.mark.parametrize(
    ("headers", "facts"),
    [
        (b"User-Agent: OpenAI/Python 3.52.0\r\n", {"client": "OpenAI/Python 3.52.0"}),
        (b"originator: codex_exec\r\n", {"client": "codex_exec"}),
        (
            b"user-agent: codex_cli_rs/0.169\r\nsession-id: s-1\r\nthread-id: t-1\r\n",
            {"client": "codex_cli_rs/0.169", "pair": "s-1", "thread": "t-1"},
        ),
        (b"session_id: s-2\r\n", {"pair": "s-2"}),
        (b"x-session-id: s-3\r\n", {"pair": "s-3"}),
        (b"thread-id: t-4\r\n", {"pair": "t-4", "thread": "t-4"}),
    ],
)
async def test_who_asked_is_told_by_its_own_headers(
    tmp_path: Path, headers: bytes, facts: dict[str, str]
) -> None:
    refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    async with raw_server(answering(refusal)) as port:
        async with tapped(f"http://127.0.0.1:{port}/v1", tmp_path) as tap:
            assert await exchange_bytes(tap.tap.port, UPGRADE + headers + b"\r\n") == refusal
            (record,) = await tap.until(has(Kind.REFUSED))
    assert {name: record.meta[name] for name in ("client", "pair", "thread") if name in record.meta} == facts
    assert record.meta["tap"] == tap.tap.base_url


async def test_a_refusal_that_repeats_the_key_is_masked_and_passed_on_unmasked(tmp_path: Path) -> None:
    body = b"Incorrect API key provided: " + KEY.encode()
    refusal = (
        b"HTTP/1.1 401 Unauthorized\r\nContent-Length: %d\r\nConnection: close\r\nX-Echo: %b\r\n\r\n"
        % (len(body), KEY.encode())
        + body
    )
    async with raw_server(answering(refusal)) as port:
        async with tapped(f"http://127.0.0.1:{port}/v1", tmp_path) as tap:
            asked = UPGRADE + b"Authorization: Bearer " + KEY.encode() + b"\r\n\r\n"
            assert await exchange_bytes(tap.tap.port, asked) == refusal
            (record,) = await tap.until(has(Kind.REFUSED))
    assert KEY.encode() not in tap.path.read_bytes()
    assert record.payload.endswith(b"X-Echo: ***\r\n\r\nIncorrect API key provided: ***")
    assert record.meta["failure_class"] == "unauthorized"
    assert record.meta["masked"] == "x-echo,body"


async def test_a_body_without_end_is_written_down_after_a_second_at_most(tmp_path: Path) -> None:
    endless = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n"
    async with raw_server(answering(endless, stays_open=True)) as port:
        async with tapped(f"http://127.0.0.1:{port}/v1", tmp_path) as tap:
            async with exchange_of(tap.tap.port, UPGRADE + b"\r\n") as reader:
                assert await reader.readexactly(len(endless)) == endless
                (record,) = await tap.until(has(Kind.REFUSED))
    assert record.payload == endless
    assert (record.meta["status"], record.meta["failure_class"]) == (200, "http_status")


async def test_a_head_of_a_request_that_is_no_upgrade_is_not_refused(tmp_path: Path) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
    async with raw_server(answering(answer)) as port:
        async with tapped(f"http://127.0.0.1:{port}/v1", tmp_path) as tap:
            assert await exchange_bytes(tap.tap.port, HEAD + b"Content-Length: 0\r\n\r\n") == answer
            records = await tap.until(has(Kind.NOTE, "end"))
    assert not of_kind(records, Kind.REFUSED)
