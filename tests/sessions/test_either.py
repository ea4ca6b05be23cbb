"""A socket where it is to be had, HTTP where not: what falls back, what is said; nothing runs twice."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from websockets.utils import accept_key

from sessions.contract import FailureClass, Status
from sessions.conversation import Conversation, converse
from sessions.errors import ConnectError
from sessions.inspector import Inspector
from sessions.recording import Recording
from sessions.records import Kind
from sessions.secret import Secret
from sessions.session import Phase
from sessions.soundness import Soundness
from sessions.wire.either import EitherWay
from sessions.wire.fake import FakeServer
from sessions.wire.scenarios.options import Options
from tests.sessions.test_http_stream import create
from tests.sessions.wire_servers import KEY, Talk, free_port, plan_to, raw_server


@asynccontextmanager
async def talking(port: int, seconds: float = 5.0) -> AsyncIterator[tuple[Conversation, Inspector]]:
    """A session that may fall back, read by an inspector."""
    plan = plan_to(port, key=Secret(KEY), open_timeout_seconds=seconds)
    inspector = Inspector(Recording.create(None), (KEY,))
    live = EitherWay(replace(plan, transport="auto", model="m"))
    async with asyncio.timeout(15), converse(live, inspector, 1) as talk:
        yield talk, inspector


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("426", FailureClass.UPGRADE_REQUIRED),
        ("403", FailureClass.FORBIDDEN),
        ("404", FailureClass.NOT_FOUND),
        ("503", FailureClass.HTTP_STATUS),
        ("http-200", FailureClass.HTTP_STATUS),
        ("silent-upgrade", FailureClass.UPGRADE_SILENT),
        ("1008-after-101", FailureClass.POLICY_CLOSE),
    ],
)
async def test_where_no_socket_is_to_be_had_the_turns_go_over_http(
    fault: str, expected: FailureClass
) -> None:
    async with FakeServer(Options(seed=1, faults=[fault])) as server:
        async with talking(server.port, 0.5) as (talk, inspector):
            assert talk.session.is_http
            assert talk.session.phase is Phase.OPEN
            assert talk.session.failure_class is expected
            assert expected.value in talk.session.fallback
            assert " ms." in talk.session.fallback
            first = await talk.ask(create("Remember the word plum"))
            assert first is not None
            second = await talk.ask(create("Which word?", previous_response_id=first.response_id))
            assert second is not None
            assert second.response is not None
            assert "plum" in second.response.text
        posts = [one for visit in server.log for one in visit.requests if one[0] == "POST"]
    assert len(posts) == 2
    assert inspector.sessions.sessions[1].phase is Phase.CLOSED
    assert [turn.status for turn in inspector.sessions.turns] == [Status.COMPLETED] * 2
    opened = [one for one in inspector.recording if one.kind is Kind.OPEN][-1]
    assert opened.meta["failure_class"] == expected.value
    assert float(opened.meta["cost_ms"]) > 0


async def test_the_recording_of_a_fallback_is_sound(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("either") / "run.jsonl"
    for fault in ("426", "1008-after-101"):
        async with FakeServer(Options(seed=1, faults=[fault])) as server:
            plan = replace(plan_to(server.port, key=Secret(KEY)), transport="auto")
            path = path.with_name(f"{fault}.jsonl")
            inspector = Inspector(Recording.create(path), (KEY,))
            async with asyncio.timeout(15), converse(EitherWay(plan), inspector, 1) as talk:
                await talk.ask(create())
            inspector.recording.close()
        soundness = Soundness()
        lines = path.read_bytes().splitlines(keepends=True)[1:]
        found = [one for place, line in enumerate(lines, 2) for one in soundness.take(line, place)]
        assert [*found, *soundness.end()] == []


def answering_upgrades(answer: Callable[[bytes], bytes]) -> Talk:
    """A server of which every upgrade is answered so, and every POST with a whole response."""
    response = {"id": "resp_1", "status": "completed", "output": []}
    event = json.dumps({"type": "response.completed", "response": response}).encode()
    stream = b"data: " + event + b"\n\n"
    good = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n" % len(stream)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            if head.startswith(b"GET"):
                writer.write(answer(head))
                await writer.drain()
                return
            length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
            await reader.readexactly(int(length.partition(b":")[2]))
            writer.write(good + stream)

    return talk


def with_status(status: int) -> Callable[[bytes], bytes]:
    """A refusal."""
    return lambda head: b"HTTP/1.1 %d X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status


def accepted(then: bytes) -> Callable[[bytes], bytes]:
    """A 101, and at once these bytes."""

    def answer(head: bytes) -> bytes:
        headers = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
        key = next(value for name, value in headers.items() if name.lower() == b"sec-websocket-key")
        lines = [b"HTTP/1.1 101 X", b"Upgrade: websocket", b"Connection: Upgrade"]
        lines.append(b"Sec-WebSocket-Accept: " + accept_key(key.decode()).encode())
        return b"\r\n".join(lines) + b"\r\n\r\n" + then

    return answer


ERROR = b'{"type":"error","error":{"message":"Upstream refused."}}'


@pytest.mark.parametrize(
    ("answer", "expected", "said"),
    [
        (with_status(405), FailureClass.HTTP_STATUS, "405"),
        (with_status(501), FailureClass.HTTP_STATUS, "501"),
        (lambda head: b"", FailureClass.PROTOCOL, "without an answer"),
        (lambda head: b"\0\0\x12\4\0\0\0\0\0", FailureClass.PROTOCOL, "not HTTP"),  # HTTP/2 settings
        (
            lambda head: accepted(b"")(b"Sec-WebSocket-Key: x\r\n" * 2),
            FailureClass.PROTOCOL,
            "not a valid upgrade",
        ),
        (accepted(b"\x88\2\x03\xf3"), FailureClass.CLOSED, "1011 right after the 101"),
        (accepted(b"\x88\2\x03\xe8"), FailureClass.CLOSED, "1000 right after the 101"),
        (accepted(b""), FailureClass.CLOSED, "without a close frame right after the 101"),
        (accepted(b"\xff\xff\xff"), FailureClass.CLOSED, "right after the 101"),
        (accepted(b"\x81%c%b\x88\2\x03\xf0" % (len(ERROR), ERROR)), FailureClass.POLICY_CLOSE, "1008"),
    ],
)
async def test_whatever_ends_a_socket_before_a_turn_leaves_http(
    answer: Callable[[bytes], bytes], expected: FailureClass, said: str
) -> None:
    async with raw_server(answering_upgrades(answer)) as port, talking(port, 1.0) as (talk, inspector):
        assert talk.session.is_http
        assert expected.value in talk.session.fallback
        assert said in talk.session.fallback
        for _ in range(2):  # and stays there
            turn = await talk.ask(create())
            assert turn is not None
            assert turn.status is Status.COMPLETED
    assert [one.kind for one in inspector.recording].count(Kind.REQUEST) == 2


async def test_a_proxy_that_wants_a_login_would_want_it_over_http_too() -> None:
    async with raw_server(answering_upgrades(with_status(407))) as port:
        with pytest.raises(ConnectError) as caught:
            async with talking(port):
                raise AssertionError("it was opened")
    assert caught.value.status == 407


@pytest.mark.parametrize(("fault", "expected"), [("401", "unauthorized"), ("429", "throttled")])
async def test_what_http_would_meet_too_does_not_fall_back(fault: str, expected: str) -> None:
    async with FakeServer(Options(faults=[fault])) as server:
        with pytest.raises(ConnectError) as caught:
            async with talking(server.port):
                raise AssertionError("it was opened")
        assert caught.value.failure_class.value == expected
        assert [visit.requests[0][0] for visit in server.log] == ["GET"]


async def test_a_server_that_is_not_there_does_not_fall_back() -> None:
    with pytest.raises(ConnectError) as caught:
        async with talking(free_port()):
            raise AssertionError("it was opened")
    assert caught.value.failure_class is FailureClass.TCP


async def test_a_socket_that_opens_is_kept() -> None:
    async with FakeServer(Options(seed=1)) as server:
        async with talking(server.port) as (talk, inspector):
            turn = await talk.ask(create("Capital of Peru?"))
            assert turn is not None
            assert turn.status is Status.COMPLETED
            assert not talk.session.is_http
        assert [visit.requests for visit in server.log] == [[("GET", "/v1/responses", 101)]]
    session = inspector.sessions.sessions[1]
    assert (session.close_code, session.fallback) == (1000, "")


async def test_a_socket_that_ends_after_a_turn_was_sent_never_becomes_http() -> None:
    async with FakeServer(Options(seed=1, faults=["close-mid-stream:1008"])) as server:
        async with talking(server.port) as (talk, inspector):
            turn = await talk.ask(create())
            assert turn is not None
            assert turn.status is Status.CUT
        assert all(one[0] == "GET" for visit in server.log for one in visit.requests)
    assert not inspector.sessions.sessions[1].is_http


async def test_reading_alone_settles_the_way_and_stop_ends_requests_only() -> None:
    async with FakeServer(Options(faults=["426", "silence"])) as server:
        live = EitherWay(replace(plan_to(server.port, key=Secret(KEY)), transport="auto"))
        inspector = Inspector(Recording.create(None))
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            group.create_task(inspector.run(live))
            follower = inspector.follow()
            while (
                1 not in inspector.sessions.sessions or inspector.sessions.sessions[1].phase is not Phase.OPEN
            ):
                await follower.wait()
                follower.take()
            assert live.is_open
            await live.send(create())
            await live.stop()
            assert live.is_open
            await live.close()
        inspector.recording.close()
    assert [turn.status for turn in inspector.sessions.turns] == [Status.CUT]
    assert json.loads(create())["type"] == "response.create"


async def test_an_opening_that_is_given_up_does_not_fall_back() -> None:
    heard = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        heard.set()
        await reader.read()

    async with raw_server(say_nothing) as port:
        live = EitherWay(replace(plan_to(port), transport="auto"))
        inspector = Inspector(Recording.create(None))
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            group.create_task(inspector.run(live))
            await heard.wait()
            await live.close()
    assert [one.kind for one in inspector.recording] == [Kind.REFUSED]
