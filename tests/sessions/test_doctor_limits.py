"""The doctor's checks of limits: number, and a clean server that passes the whole group."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from sessions.doctor import limits
from sessions.doctor.bench import Bench
from sessions.doctor.check import Cost
from sessions.doctor.result import Outcome
from sessions.secret import Secret
from sessions.wire.endpoint import derive
from sessions.wire.fake import FakeServer
from sessions.wire.plan import Plan
from sessions.wire.scenarios.options import Options
from tests.sessions.doctor_bench import KEY, bench_at, run

ALL = ("C01", "D01", "E10", *(one.id for one in limits.CHECKS))


async def test_a_clean_server_has_nothing_to_mend() -> None:
    async with FakeServer(Options(seed=1, rate=300)) as server:
        bench = bench_at(server)
        results = await run(bench, *ALL)
    outcomes = {one: result.outcome for one, result in results.items()}
    assert [one for one, outcome in outcomes.items() if outcome.is_bad] == []
    passing = ("F01", "F03", "F04", "F05", "F06", "F07", "F12")
    assert {one: outcomes[one] for one in passing} == dict.fromkeys(passing, Outcome.PASS)
    assert outcomes["F02"] is outcomes["F13"] is Outcome.SKIP
    assert bench.capabilities["frame limit"] == "at least 15.5 MiB"
    assert bench.capabilities["in flight"] == "queued"
    assert bench.capabilities["lanes"] == "full"


async def test_a_second_socket_that_is_refused_is_found() -> None:
    async with FakeServer(Options(seed=1, max_connections=1)) as server:
        results = await run(bench_at(server), "F05")
    assert results["F05"].outcome is Outcome.FAIL


async def test_busy_right_after_an_answer_is_found() -> None:
    async with FakeServer(Options(seed=1, faults=("error-mid-stream@4",))) as server:
        bench = bench_at(server)
        bench.capabilities["warm-up"] = "yes"
        results = await run(bench, "F04")
    assert results["F04"].outcome is Outcome.FAIL
    assert "turn 4 of 10" in results["F04"].evidence


async def test_intrusive_checks_count_sockets_and_turns() -> None:
    async with FakeServer(Options(seed=1, max_connections=7)) as server:
        bench = bench_at(server, costs=frozenset(Cost))
        results = await run(bench, "E10", "F14", "F15", "F16")
    assert results["F14"].outcome is Outcome.PASS
    assert results["F15"].outcome is Outcome.SKIP
    assert results["F16"].evidence.startswith("7 are open, then:")


def _bench(port: int, **given: Any) -> Bench:
    plan = Plan(derive(f"http://127.0.0.1:{port}/v1"), key=Secret(KEY), profile="openai", compression=False)
    return Bench(plan, **{"model": "m", "pace": 0.01, "environ": {}, "patience_seconds": 2.0, **given})


@asynccontextmanager
async def serving(
    handler: Callable[[ServerConnection], Awaitable[None]], **given: Any
) -> AsyncIterator[Bench]:
    """A bench at a server that behaves as this handler does."""
    async with serve(handler, "127.0.0.1", 0, max_size=None, compression=None) as server:
        yield _bench(server.sockets[0].getsockname()[1], **given)
