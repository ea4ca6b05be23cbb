"""One HTTP exchange of a tapped client: bytes as they were on both sides, and what its records say."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import trustme

from sessions.bodies import event_of, parts
from sessions.events import Event
from sessions.records import Direction, Kind, Record
from sessions.wire.dial import Trust
from sessions.wire.exchange import After, Request, exchange
from sessions.wire.plan import Plan
from tests.conftest import HandClock
from tests.sessions.wire_servers import KEY, Talk, free_port, plan_to, raw_server

BODY = b'{"model":"gpt-5.4","input":"Hi","stream":true}'
HEAD = (
    b"POST /v1/responses HTTP/1.1\r\n"
    b"accept: text/event-stream\r\n"
    b"authorization: Bearer " + KEY.encode() + b"\r\n"
    b"X-Odd-CASE:  two  blanks \r\n"
    b"content-type: application/json\r\n"
    b"content-length: %d\r\n"
    b"host: 127.0.0.1:9\r\n"
    b"\r\n" % len(BODY)
)
FACTS = {"tap": "http://127.0.0.1:9/v1", "peer": "127.0.0.1:5", "client": "codex_cli_rs", "pair": "s-1"}
EVENTS = (
    b'event: response.created\ndata: {"type":"response.created","response":{"id":"resp_1"}}\n\n'
    b": keep-alive\n\n"
    b'data: {"type":"response.completed","response":{"id":"resp_1"}}\n\n'
)


def request(head: bytes = HEAD, **fields: Any) -> Request:
    """A request whose Host is rewritten, as a tap does it."""
    method, target = head.split(b" ")[:2]
    sent = head.replace(b"host: 127.0.0.1:9", b"host: upstream")
    return Request(method.decode(), target.decode(), head, sent, facts=FACTS, **fields)


async def body_of(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


class Seen:
    """What a client got, and what was told of it."""

    def __init__(self) -> None:
        self.bytes = b""
        self.records: list[Record] = []
        self.arrived = asyncio.Event()
        self.after: After | None = None

    async def write(self, data: bytes) -> None:
        self.bytes += data
        self.arrived.set()

    def told(self, record: Record) -> None:
        self.records.append(record)

    @property
    def kinds(self) -> list[str]:
        return [one.kind.value for one in self.records]

    def one(self, kind: Kind) -> Record:
        (found,) = [one for one in self.records if one.kind is kind]
        return found


async def passed(
    plan: Plan, asked: Request | None = None, *pieces: bytes, clock: HandClock | None = None
) -> Seen:
    seen = Seen()
    seen.after = await exchange(
        asked or request(), body_of(*(pieces or (BODY,))), seen.write, seen.told, plan, clock or HandClock()
    )
    return seen


def answering(answer: bytes, received: list[bytes], *, length: int = len(BODY)) -> Talk:
    """Read head and body, keep them, answer, and stay open until the other side ends."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        received.append(head + await reader.readexactly(length))
        writer.write(answer)
        await writer.drain()
        await reader.read()

    return talk


def http(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def chunked(body: bytes, *headers: str, size: int = 7, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, "Transfer-Encoding: chunked"]
    chunks = b"".join(
        b"%x\r\n%b\r\n" % (len(body[at : at + size]), body[at : at + size])
        for at in range(0, len(body), size)
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + chunks + b"0\r\n\r\n"


STREAM = "content-TYPE: text/event-stream; charset=utf-8"


async def test_a_stream_passes_byte_for_byte_and_its_events_are_told() -> None:
    received: list[bytes] = []
    answer = chunked(EVENTS, "Date: now", STREAM, "x-Request-Id:  r 1")
    async with raw_server(answering(answer, received)) as port:
        seen = await passed(plan_to(port), None, BODY[:9], BODY[9:])
    assert received == [request().sent + BODY]  # order, case and blanks as the client wrote them
    assert seen.bytes == answer
    assert seen.after is After.REUSE
    assert seen.kinds == ["request", "response", "sse", "sse", "sse", "note"]
    assert [one.payload for one in seen.records if one.kind is Kind.SSE] == EVENTS.split(b"\n\n")[:-1]
    assert [one.direction for one in seen.records] == [
        Direction.CLIENT,
        *[Direction.SERVER] * 4,
        Direction.LOCAL,
    ]
    asked, head, end = seen.one(Kind.REQUEST), seen.one(Kind.RESPONSE), seen.one(Kind.NOTE)
    assert parts(asked).head == HEAD.replace(KEY.encode(), b"***")
    assert parts(asked).body == BODY
    assert {name: asked.meta[name] for name in FACTS} == FACTS
    assert (asked.meta["method"], asked.meta["target"], asked.meta["masked"]) == (
        "POST",
        "/v1/responses",
        "authorization",
    )
    assert asked.meta["url"] == f"http://127.0.0.1:{port}/v1/responses"
    assert parts(head) == (answer[: answer.index(b"\r\n\r\n") + 4], b"")
    assert (head.meta["status"], head.meta["address"]) == (200, f"127.0.0.1:{port}")
    assert (end.meta["note"], end.meta["bytes"]) == ("end", len(EVENTS))


async def test_every_way_in_which_a_stream_can_be_cut_tells_the_same() -> None:
    told = []
    for size in (1, 2, 3, 50, 5000):
        received: list[bytes] = []
        async with raw_server(answering(chunked(EVENTS, STREAM, size=size), received)) as port:
            seen = await passed(plan_to(port))
        told.append([one.payload for one in seen.records if one.kind is Kind.SSE])
    assert all(one == told[0] for one in told)


async def test_what_comes_is_passed_on_before_the_answer_ends() -> None:
    go_on = asyncio.Event()
    first, rest = EVENTS.split(b"\n\n", 1)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(len(BODY))
        writer.write(b"HTTP/1.1 200 OK\r\n" + STREAM.encode() + b"\r\n\r\n" + first + b"\n\n")
        await go_on.wait()
        writer.write(rest)
        writer.close()

    seen = Seen()
    async with raw_server(talk) as port, asyncio.timeout(10), asyncio.TaskGroup() as group:
        running = group.create_task(
            exchange(request(), body_of(BODY), seen.write, seen.told, plan_to(port), HandClock())
        )
        while not seen.bytes.endswith(b"\n\n") or Kind.SSE.value not in seen.kinds:
            seen.arrived.clear()
            await seen.arrived.wait()
            await asyncio.sleep(0)
        assert seen.kinds == ["request", "response", "sse"]
        go_on.set()
    assert seen.kinds[3:] == ["sse", "sse", "note"]
    assert running.result() is After.CLOSE  # without length or chunks only the end of TCP ends it


async def test_any_other_answer_is_one_record_with_its_body() -> None:
    received: list[bytes] = []
    answer = http(
        b'{"id":"resp_1","object":"response","status":"completed"}', "Content-Type: application/json"
    )
    async with raw_server(answering(answer, received)) as port:
        seen = await passed(plan_to(port))
    assert seen.bytes == answer
    assert seen.kinds == ["request", "response", "note"]
    assert seen.one(Kind.RESPONSE).payload == answer
    event = event_of(seen.one(Kind.RESPONSE))
    assert isinstance(event, Event)
    assert event.type == "response.completed"


@pytest.mark.parametrize("is_chunked", [True, False])
async def test_an_encoded_stream_passes_raw_and_is_told_decoded(is_chunked: bool) -> None:
    packed = gzip.compress(EVENTS)
    make = chunked if is_chunked else http
    answer = make(packed, STREAM, "Content-Encoding: gzip")
    received: list[bytes] = []
    async with raw_server(answering(answer, received)) as port:
        seen = await passed(plan_to(port))
    assert seen.bytes == answer
    assert [one.payload for one in seen.records if one.kind is Kind.SSE] == EVENTS.split(b"\n\n")[:-1]
    assert seen.one(Kind.RESPONSE).meta["encoding"] == "gzip"
    assert seen.one(Kind.NOTE).meta["bytes"] == len(packed)


@pytest.mark.parametrize(
    ("encoding", "body"), [("br", b"\x1b\x00\x00"), ("gzip", b"this is not gzip"), ("gzip, br", b"x")]
)
async def test_an_encoding_that_is_not_read_is_passed_on_and_said(encoding: str, body: bytes) -> None:
    answer = http(body, STREAM, f"Content-Encoding: {encoding}")
    received: list[bytes] = []
    async with raw_server(answering(answer, received)) as port:
        seen = await passed(plan_to(port))
    assert seen.bytes == answer
    assert seen.after is After.REUSE
    notes = [one.meta for one in seen.records if one.kind is Kind.NOTE]
    assert [one["note"] for one in notes] == ["unparsed", "end"]
    if encoding != "gzip":
        assert parts(seen.one(Kind.RESPONSE)).body == body


async def test_a_chunked_request_keeps_its_framing() -> None:
    head = HEAD.replace(b"content-length: %d" % len(BODY), b"Transfer-Encoding: chunked")
    expected = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
    received: list[bytes] = []
    async with raw_server(answering(http(b"{}"), received, length=len(expected))) as port:
        seen = await passed(plan_to(port), request(head))
    assert received == [request(head).sent + expected]
    assert parts(seen.one(Kind.REQUEST)).body == BODY


@pytest.mark.parametrize("status", ["401 Unauthorized", "404 Not Found", "500 Oops", "307 Moved"])
async def test_refusals_and_redirects_pass_as_they_are(status: str) -> None:
    answer = http(b'{"error":{"message":"no"}}', "Location: http://127.0.0.1:1/", status=status)
    received: list[bytes] = []
    async with raw_server(answering(answer, received)) as port:
        seen = await passed(plan_to(port))
    assert (seen.bytes, len(received)) == (answer, 1)
    assert seen.one(Kind.RESPONSE).meta["status"] == int(status[:3])


async def test_a_get_without_a_body() -> None:
    head = b"GET /v1/models HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    answer = http(b'{"data":[]}', "Set-Cookie: a=secret")
    received: list[bytes] = []
    async with raw_server(answering(answer, received, length=0)) as port:
        seen = await passed(plan_to(port), Request("GET", "/v1/models", head, head), b"")
    assert received == [head]
    assert seen.after is After.CLOSE  # the client asked for it
    assert b"secret" in seen.bytes
    assert b"secret" not in seen.one(Kind.RESPONSE).payload
    assert seen.one(Kind.RESPONSE).meta["masked"] == "set-cookie"


async def test_interim_answers_pass_and_are_not_the_answer() -> None:
    answer = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + http(b"{}")
    received: list[bytes] = []
    async with raw_server(answering(answer, received)) as port:
        seen = await passed(plan_to(port))
    assert seen.bytes == answer
    assert seen.one(Kind.RESPONSE).payload == http(b"{}")


async def test_the_upstream_answers_before_the_body_ends() -> None:
    never = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield BODY[:5]
        await never.wait()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(http(b"", status="413 Too Large"))
        await reader.read()

    seen = Seen()
    async with raw_server(talk) as port, asyncio.timeout(10):
        seen.after = await exchange(request(), slow(), seen.write, seen.told, plan_to(port), HandClock())
    assert seen.bytes == http(b"", status="413 Too Large")
    assert seen.after is After.CLOSE
    assert seen.kinds == ["request", "response", "note"]


@pytest.mark.parametrize("is_reset", [True, False])
@pytest.mark.parametrize(
    ("answer", "where"),
    [
        (b"", "without an answer"),
        (b"HTTP/1.1 200 OK\r\nConte", "in the middle of its answer"),
        (chunked(EVENTS, STREAM)[:-30], "in the middle of its answer"),
        (http(b"x" * 50)[:-20], "in the middle of its answer"),
    ],
)
async def test_an_upstream_that_breaks_off_breaks_off_for_the_client(
    answer: bytes, where: str, is_reset: bool
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(len(BODY))
        writer.write(answer)
        await writer.drain()
        if is_reset:
            own = writer.get_extra_info("socket")
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    async with raw_server(talk) as port:
        seen = await passed(plan_to(port))
    if not is_reset:  # a reset may take what was on its way with it
        assert seen.bytes == answer
        assert where in str(seen.one(Kind.LOST).meta["detail"])
    assert answer.startswith(seen.bytes)
    assert seen.after is (After.ABORT if is_reset else After.CLOSE)
    assert seen.kinds[0] == "request"
    assert seen.kinds[-1] == "lost"


@pytest.mark.parametrize(
    ("answer", "kinds"),
    [
        (b"SSH-2.0-OpenSSH_9\r\n" + b"x" * 100, ["request", "lost"]),
        (b"220 mail.example ESMTP\r\n\r\n" + b"x" * 100, ["request", "note", "lost"]),
    ],
)
async def test_an_answer_that_is_not_http_passes_too(answer: bytes, kinds: list[str]) -> None:

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer[:30])
        await writer.drain()
        writer.write(answer[30:])

    async with raw_server(talk) as port:
        seen = await passed(plan_to(port))
    assert seen.bytes == answer
    assert seen.kinds == kinds
    assert "not HTTP" in str(seen.one(Kind.LOST).meta["detail"])


async def test_an_upstream_that_cannot_be_reached_is_a_502_in_words() -> None:
    seen = await passed(plan_to(free_port()))
    head, _, body = seen.bytes.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 502 ")
    error = json.loads(body)["error"]
    assert (error["type"], error["code"]) == ("upstream_unreachable", "tcp")
    assert "could not reach its upstream" in error["message"]
    assert seen.kinds == ["request", "refused"]
    meta = seen.one(Kind.REFUSED).meta
    assert (meta["failure_class"], meta["method"], meta["client"]) == ("tcp", "POST", "codex_cli_rs")
    assert seen.after is After.CLOSE


async def test_a_client_that_cannot_be_written_to_ends_the_upstream() -> None:
    ended = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(len(BODY))
        writer.write(chunked(EVENTS, STREAM)[:-5])
        try:
            await reader.read()
        finally:
            ended.set()

    async def gone(data: bytes) -> None:
        raise BrokenPipeError

    seen = Seen()
    async with raw_server(talk) as port, asyncio.timeout(10):
        after = await exchange(request(), body_of(BODY), gone, seen.told, plan_to(port), HandClock())
        await ended.wait()
    assert after is After.CLOSE
    assert "the client ended" in str(seen.one(Kind.LOST).meta["detail"])


@pytest.mark.parametrize(
    ("words", "detail"), [("the tap was stopped", "the tap was stopped"), (None, "the client ended")]
)
async def test_cancelling_ends_the_upstream_and_is_told(words: str | None, detail: str) -> None:
    ended = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n" + STREAM.encode() + b"\r\n\r\ndata: 1\n\ndata: 2")
        await reader.readexactly(len(BODY))
        try:
            await reader.read()
        finally:
            ended.set()

    seen = Seen()
    async with raw_server(talk) as port, asyncio.timeout(10), asyncio.TaskGroup() as group:
        running = group.create_task(
            exchange(request(), body_of(BODY), seen.write, seen.told, plan_to(port), HandClock())
        )
        await seen.arrived.wait()
        running.cancel(words)
        await ended.wait()
    assert running.cancelled()
    assert detail in str(seen.one(Kind.LOST).meta["detail"])


@pytest.mark.parametrize(("is_half", "is_tls"), [(False, False), (True, True)])
async def test_a_client_that_broke_off_or_has_no_halves_upstream_ends_the_exchange(
    is_half: bool, is_tls: bool
) -> None:
    ended = asyncio.Event()
    resets: list[ConnectionResetError] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(len(BODY))
        writer.write(b"HTTP/1.1 200 OK\r\n" + STREAM.encode() + b"\r\n\r\n")
        try:
            await reader.read()
        except ConnectionResetError as reset:
            resets.append(reset)
        finally:
            ended.set()

    seen = Seen()

    async def over() -> bool:
        await seen.arrived.wait()
        return is_half

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with raw_server(talk, context if is_tls else None) as port, asyncio.timeout(10):
        plan = replace(plan_to(port, scheme="https" if is_tls else "http"), trust=Trust(is_insecure=True))
        async with asyncio.TaskGroup() as group:
            running = group.create_task(
                exchange(request(), body_of(BODY), seen.write, seen.told, plan, HandClock(), over=over)
            )
        await ended.wait()
    assert running.result() is After.CLOSE
    assert bool(resets) is not is_half  # a reset is passed on as one
    assert seen.one(Kind.LOST).meta["detail"] == (
        "the client ended the connection before its answer was complete"
    )


async def test_a_client_that_leaves_in_the_middle_of_its_request() -> None:
    arrived, ended = asyncio.Event(), asyncio.Event()

    async def leaving() -> AsyncIterator[bytes]:
        yield BODY[:5]
        await arrived.wait()
        raise ConnectionResetError

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n" + BODY[:5])
        arrived.set()
        try:
            await reader.read()
        finally:
            ended.set()

    seen = Seen()
    async with raw_server(talk) as port, asyncio.timeout(10):
        after = await exchange(request(), leaving(), seen.write, seen.told, plan_to(port), HandClock())
        await ended.wait()
    assert (after, seen.kinds) == (After.CLOSE, ["request", "lost"])
    assert parts(seen.one(Kind.REQUEST)).body == BODY[:5]


async def test_the_same_route_and_trust_as_the_socket() -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    received: list[bytes] = []
    with authority.cert_pem.tempfile() as ca:
        async with raw_server(answering(http(b"{}"), received), context) as port:
            plan = plan_to(port, scheme="https")
            seen = await passed(replace(plan, trust=Trust(ca)))
            assert seen.bytes == http(b"{}")
            assert "TLS" in str(seen.one(Kind.RESPONSE).meta["tls"])
            distrusted = await passed(plan)
            assert distrusted.one(Kind.REFUSED).meta["failure_class"] == "tls"


async def test_secrets_of_the_tap_are_in_no_record() -> None:
    head = HEAD.replace(b"/v1/", b"/t0ken-of-the-tap/v1/")
    asked = Request(
        "POST", "/t0ken-of-the-tap/v1/responses", head, request().sent, ("t0ken-of-the-tap",), FACTS
    )
    received: list[bytes] = []
    async with raw_server(answering(http(b"{}"), received)) as port:
        seen = await passed(plan_to(port), asked)
    told = repr(seen.records)
    assert "t0ken" not in told
    assert KEY not in told
    assert KEY not in repr(asked)
    assert seen.one(Kind.REQUEST).meta["target"] == "/***/v1/responses"


async def test_a_body_too_large_to_keep_is_passed_on_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sessions.wire.exchange_log.MAX_KEPT_BYTES", 10)
    received: list[bytes] = []
    async with raw_server(answering(http(b"y" * 5000), received)) as port:
        seen = await passed(plan_to(port))
    assert received[0].endswith(BODY)
    assert seen.bytes == http(b"y" * 5000)
    assert parts(seen.one(Kind.REQUEST)).body == BODY[:10]
    assert seen.one(Kind.REQUEST).meta["left_out"] == len(BODY) - 10
    assert seen.one(Kind.RESPONSE).meta["left_out"] == 4990
