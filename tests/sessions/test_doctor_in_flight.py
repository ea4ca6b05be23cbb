"""The doctor's second creates: refused, mixed, deadly or never answered; and its cancel."""

from __future__ import annotations

import json
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from sessions.doctor.result import Outcome
from sessions.doctor.rules import RULES
from sessions.wire.fake import FakeServer
from sessions.wire.scenarios.options import Options
from tests.sessions.doctor_bench import bench_at, run
from tests.sessions.test_doctor_limits import serving


@pytest.mark.parametrize(("rules", "outcome"), [("openai", Outcome.WARN), ("openresponses", Outcome.PASS)])
async def test_a_refused_second_create_is_judged_by_the_rules(rules: str, outcome: Outcome) -> None:
    async with FakeServer(Options(seed=1, dialect="localai", rate=100)) as server:
        bench = bench_at(server, rules=RULES[rules])
        results = await run(bench, "F03")
    assert results["F03"].outcome is outcome
    assert bench.capabilities["in flight"] == "refused"


async def test_answers_that_run_into_each_other_are_found() -> None:
    async def mix(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.recv()
        for kind in ("created", "completed"):
            for number in (1, 2):
                status = "completed" if kind == "completed" else "in_progress"
                response: dict[str, Any] = {
                    "id": f"resp_{number}",
                    "status": status,
                    "output": [],
                    "usage": None,
                }
                await socket.send(json.dumps({"type": f"response.{kind}", "response": response}))
        await socket.wait_closed()

    async with serving(mix) as bench:
        results = await run(bench, "F03")
    assert results["F03"].outcome is Outcome.FAIL
    assert results["F03"].findings == ("lanes-interleaved",)
    assert bench.capabilities["in flight"] == "interleaved"


async def test_a_second_create_that_ends_the_socket_is_found() -> None:
    async def end(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.recv()
        await socket.close(1011, "busy")

    async with serving(end) as bench:
        results = await run(bench, "F03")
    assert results["F03"].outcome is Outcome.FAIL
    assert "1011" in results["F03"].evidence
    assert bench.capabilities["in flight"] == "kills the socket"


async def test_a_second_create_that_is_never_answered_is_found() -> None:
    async def ignore(socket: ServerConnection) -> None:
        await socket.wait_closed()

    async with serving(ignore, patience_seconds=0.2) as bench:
        results = await run(bench, "F03")
    assert results["F03"].findings == ("app-silent",)
    assert bench.capabilities["in flight"] == "silence"


async def test_a_cancel_that_is_ignored_is_told() -> None:
    async with FakeServer(Options(seed=1)) as server:
        results = await run(bench_at(server, is_deep=True), "C01", "D01", "F13")
    assert results["F13"].outcome is Outcome.INFO
    assert "not supported" in results["F13"].evidence
