"""The sockets of a screen: sessions are numbered, nothing happens by itself, ends are told."""

from __future__ import annotations

import asyncio

import pytest

from sessions.errors import ConnectError
from sessions.inspector import Inspector
from sessions.recording import Recording
from sessions.session import Phase
from sessions.settings import load
from sessions.wire.clock import SystemClock
from sessions.wire.fake import FakeServer, Options
from sessions.wire.plan import Plan, plan_from
from tests.scene import NO_SETTINGS
from tui.sockets import Sockets


def plan_for(server: FakeServer) -> Plan:
    return plan_from(load({"base_url": server.base_url, "profile": "fake"}, NO_SETTINGS), {})


async def test_each_socket_is_the_next_session_of_the_same_recording() -> None:
    inspector = Inspector(Recording.create(None))
    sockets = Sockets(inspector, SystemClock())
    async with FakeServer(Options()) as server:
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            first, second = sockets.prepare(plan_for(server)), sockets.prepare(plan_for(server))
            assert (first.session, second.session) == (1, 2)
            for plan in (first, second):
                group.create_task(sockets.run(plan))
            follower = inspector.follow()
            while len(inspector.sessions.sessions) < 2:
                await follower.wait()
                follower.take()
            assert list(sockets.open_sessions) == [1, 2]
            await sockets.close(1)
            assert sockets.is_live(2)
            await sockets.close_all()
        assert not sockets.is_live(1)
        assert not sockets.is_live(2)
    assert {one.phase for one in inspector.sessions.sessions.values()} == {Phase.CLOSED}
    assert sockets.next_number() == 3


async def test_sending_to_a_socket_that_is_not_open_is_an_error_that_says_so() -> None:
    sockets = Sockets(Inspector(Recording.create(None)), SystemClock())
    with pytest.raises(ConnectError, match="not open"):
        await sockets.send(1, "{}")


async def test_the_key_of_a_plan_never_reaches_the_recording() -> None:
    inspector = Inspector(Recording.create(None))
    sockets = Sockets(inspector, SystemClock())
    key = "sk-proj-0123456789abcdefghij"
    async with FakeServer(Options()) as server:
        settings = load({"base_url": server.base_url}, {**NO_SETTINGS, "OPENAI_API_KEY": key})
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            plan = sockets.prepare(plan_from(settings, {}))
            assert plan.secrets == (key,)
            group.create_task(sockets.run(plan))
            follower = inspector.follow()
            while 1 not in inspector.sessions.sessions:
                await follower.wait()
                follower.take()
            await sockets.send(1, f'{{"type":"response.create","model":"m","input":"my key is {key}"}}')
            await sockets.close_all()
    assert all(key.encode() not in inspector.recording.line(n) for n in range(len(inspector.recording)))
