"""The demonstration: real turns on a real socket, a call answered, a fork; it ends when the socket does."""

from __future__ import annotations

import asyncio

import pytest

from sessions.compose import Create
from sessions.inspector import Inspector
from sessions.recording import Recording
from sessions.settings import load
from sessions.wire.clock import SystemClock
from sessions.wire.fake import FakeServer, Options
from sessions.wire.plan import plan_from
from sessions.wire.scenarios.answers.demo import TOOLS
from tests.scene import NO_SETTINGS
from tui import demonstration
from tui.demonstration import Demonstration
from tui.sockets import Sockets


async def run(closes_after: int = 0) -> Inspector:
    """Run the script to its end, or until the socket is closed under it."""
    inspector = Inspector(Recording.create(None))
    sockets = Sockets(inspector, SystemClock())
    async with FakeServer(Options(seed=1)) as server:
        plan = sockets.prepare(
            plan_from(load({"base_url": server.base_url, "profile": "fake"}, NO_SETTINGS), {})
        )
        script = Demonstration(
            inspector,
            sockets,
            plan.session,
            Create(model="gpt-6-astra", tools=tuple(dict(tool) for tool in TOOLS)),
        )
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            group.create_task(sockets.run(plan))
            follower = inspector.follow()
            await follower.wait()
            running = group.create_task(script.run())
            if closes_after:
                while len(inspector.sessions.turns) < closes_after:
                    await follower.wait()
                    follower.take()
                await sockets.close_all()
            await running
            await sockets.close_all()
    return inspector


async def test_it_shows_memory_a_call_and_a_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demonstration, "PAUSE_SECONDS", 0.0)
    inspector = await run()
    turns = inspector.sessions.turns
    assert len(turns) == len(demonstration.STEPS) + 2
    assert all(turn.failure is None for turn in turns)
    assert any(turn.answers for turn in turns)
    assert len(inspector.sessions.children(turns[0])) == 2
    assert any("heliotrope" in turn.responses[0].text for turn in turns[2:])


async def test_it_ends_when_its_socket_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demonstration, "PAUSE_SECONDS", 0.0)
    inspector = await run(closes_after=2)
    assert len(inspector.sessions.turns) < len(demonstration.STEPS) + 2
