"""A conversation on a real socket: turns awaited to their end, refusals told, silence bounded."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from sessions.contract import FailureClass, Status
from sessions.conversation import Silence, converse, refusal
from sessions.errors import ConnectError, UsageError
from sessions.inspector import Inspector
from sessions.recording import Recording
from sessions.records import Kind
from sessions.secret import Secret
from sessions.session import Phase
from sessions.wire.connect import connect
from sessions.wire.endpoint import derive
from sessions.wire.fake import FakeServer
from sessions.wire.plan import Plan
from sessions.wire.scenarios.options import Options


def create(text: str, parent: str | None = None, **fields: Any) -> str:
    body = {"type": "response.create", "model": "m", "input": text, **fields}
    if parent is not None:
        body["previous_response_id"] = parent
    return json.dumps(body)


def plan_to(server: FakeServer) -> Plan:
    return Plan(derive(server.base_url), key=Secret("sk-test-12345"))


async def test_three_chained_turns_on_one_socket() -> None:
    async with FakeServer(Options(seed=1)) as server:
        inspector = Inspector(Recording.create(None))
        async with converse(connect(plan_to(server)), inspector, 1) as talk:
            first = await talk.ask(create("Remember the word plum"))
            assert first is not None
            assert first.status is Status.COMPLETED
            second = await talk.ask(create("What was the word?", first.response_id))
            assert second is not None
            assert second.response is not None
            assert "plum" in second.response.text
            third = await talk.ask(create("Bye", second.response_id))
        assert third is not None
        assert inspector.sessions.chain(third) == (first, second, third)
        session = inspector.sessions.sessions[1]
        assert (session.phase, session.close_code, session.closed_by) == (Phase.CLOSED, 1000, "client")
        inspector.recording.close()


async def test_a_refused_opening_is_recorded_before_it_is_raised() -> None:
    async with FakeServer(Options(faults=["401"])) as server:
        inspector = Inspector(Recording.create(None))
        with pytest.raises(ConnectError) as caught:
            async with converse(connect(plan_to(server)), inspector, 1):
                pytest.fail("it must not open")
        assert caught.value.failure_class is FailureClass.UNAUTHORIZED
        record = inspector.recording.record(0)
        assert record.kind is Kind.REFUSED
        plain = refusal(caught.value, record)
        assert (plain["event"], plain["failure_class"], plain["status"]) == ("error", "unauthorized", 401)
        assert plain["remedy"]
        inspector.recording.close()


async def test_silence_has_an_end() -> None:
    async with FakeServer(Options(faults=["silence"])) as server:
        inspector = Inspector(Recording.create(None))
        with pytest.raises(Silence, match=r"nothing came for 0\.2 s while turn 1 was running"):
            async with converse(connect(plan_to(server)), inspector, 1, silence_seconds=0.2) as talk:
                await talk.ask(create("hello"))
        assert inspector.sessions.turns[0].status is Status.CUT
        inspector.recording.close()


async def test_a_socket_that_ends_in_mid_stream_ends_the_turn() -> None:
    async with FakeServer(Options(faults=["abort-mid-stream"])) as server:
        inspector = Inspector(Recording.create(None))
        async with converse(connect(plan_to(server)), inspector, 1) as talk:
            turn = await talk.ask(create("hello"))
            assert turn is not None
            assert turn.status is Status.CUT
            with pytest.raises(ConnectError):
                await talk.ask(create("again"))
        inspector.recording.close()


async def test_a_wait_ends_with_the_socket() -> None:
    async with FakeServer(Options(age_limit=0.2)) as server:
        inspector = Inspector(Recording.create(None))
        async with converse(connect(plan_to(server)), inspector, 1) as talk:
            assert await talk.unless_ended(asyncio.sleep(0, "ready")) == "ready"
            assert await talk.unless_ended(asyncio.Event().wait()) is None
            assert talk.session.phase.is_over
            assert await talk.unless_ended(asyncio.sleep(0, "late")) is None
        inspector.recording.close()


async def test_what_is_waited_for_may_fail() -> None:
    async def fail() -> None:
        raise UsageError("wrong")

    async with FakeServer(Options()) as server:
        inspector = Inspector(Recording.create(None))
        async with converse(connect(plan_to(server)), inspector, 1) as talk:
            with pytest.raises(UsageError, match="wrong"):
                await talk.unless_ended(fail())
        inspector.recording.close()


async def test_a_broken_frame_begins_no_turn_and_its_answer_is_heard() -> None:
    async with FakeServer(Options()) as server:
        inspector = Inspector(Recording.create(None))
        async with converse(connect(plan_to(server)), inspector, 1) as talk:
            assert await talk.ask("broken{") is None
            await talk.listen()
            assert talk.session.errors == 1
            turn = await talk.ask(create("still here?"))
            assert turn is not None
            assert turn.status is Status.COMPLETED
        inspector.recording.close()
