"""A socket where it is to be had, HTTP where not: what falls back, what is said; nothing runs twice."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

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
from tests.sessions.wire_servers import KEY, free_port, plan_to, raw_server


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
