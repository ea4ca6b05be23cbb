"""The doctor's checks of limits: size, number, lanes, pings, closing; what each finds, and a clean server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from sessions.doctor import limits
from sessions.doctor.bench import Bench
from sessions.doctor.check import Cost
from sessions.doctor.result import Outcome
from sessions.doctor.rules import RULES
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


async def test_size_is_tried_for_free() -> None:
    async with FakeServer(Options(seed=1, keep_frames=True)) as server:
        await run(bench_at(server), "C01", "F01")
        generated = [visit.response_ids for visit in server.log if visit.response_ids]
    assert generated == []


async def test_a_limit_is_bracketed_and_told_honestly() -> None:
    async with FakeServer(Options(seed=1, dialect="localai")) as server:
        bench = bench_at(server)
        results = await run(bench, "C01", "F01", "F02")
    assert results["F01"].outcome is Outcome.INFO
    assert results["F02"].outcome is Outcome.PASS
    assert bench.capabilities["frame limit"] == "more than 4 MiB, less than 15.5 MiB"


@pytest.mark.parametrize(
    ("limit", "outcome", "words"),
    [
        (100_000, Outcome.FAIL, "more than 64 KiB, less than 1 MiB"),
        (2_000_000, Outcome.WARN, "more than 1 MiB, less than 4 MiB"),
    ],
)
async def test_a_small_limit_that_looks_like_a_network_fault_is_found(
    limit: int, outcome: Outcome, words: str
) -> None:
    async def refuse(socket: ServerConnection) -> None:
        async for message in socket:
            if len(message) > limit:
                socket.transport.abort()
                return
            await socket.send(_NOT_FOUND)

    async with serving(refuse) as bench:
        results = await run(bench, "C01", "F01", "F02")
    assert results["F01"].outcome is outcome
    assert words in results["F01"].evidence
    assert results["F02"].outcome is Outcome.WARN
    assert results["F02"].findings == ("too-big-hidden",)


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


async def test_lanes_that_are_not_echoed_are_cosmetic() -> None:
    async with FakeServer(Options(seed=1, faults=("no-lane-echo",))) as server:
        bench = bench_at(server)
        results = await run(bench, "E10", "F06")
    assert results["F06"].outcome is Outcome.FAIL
    assert results["F06"].findings == ("lane-not-echoed",)
    assert bench.capabilities["lanes"] == "cosmetic"


@pytest.mark.parametrize("dialect", ["xai", "vercel", "localai"])
async def test_a_server_that_ignores_lanes_has_none_and_no_defect(dialect: str) -> None:
    async with FakeServer(Options(seed=1, dialect=dialect)) as server:
        bench = bench_at(server)
        results = await run(bench, "C01", "D01", "E10", "F06")
    assert results["F06"].outcome in (Outcome.INFO, Outcome.SKIP)
    assert bench.capabilities.get("lanes", "none") == "none"


async def test_lanes_are_not_expected_by_rules_without_them() -> None:
    async with FakeServer(Options(seed=1, dialect="vercel")) as server:
        results = await run(bench_at(server, rules=RULES["openresponses"]), "E10", "F06")
    assert results["F06"].outcome is Outcome.INFO


async def test_refused_lanes_are_a_capability() -> None:
    async def refuse(socket: ServerConnection) -> None:
        async for _ in socket:
            await socket.send(
                json.dumps({"type": "error", "status": 400, "error": {"code": "unknown_parameter"}})
            )

    async with serving(refuse) as bench:
        bench.capabilities["warm-up"] = "yes"
        results = await run(bench, "F06")
    assert results["F06"].outcome is Outcome.INFO
    assert bench.capabilities["lanes"] == "none"


async def test_a_cancel_that_is_ignored_is_told() -> None:
    async with FakeServer(Options(seed=1)) as server:
        results = await run(bench_at(server, is_deep=True), "C01", "D01", "F13")
    assert results["F13"].outcome is Outcome.INFO
    assert "not supported" in results["F13"].evidence


async def test_intrusive_checks_count_sockets_and_turns() -> None:
    async with FakeServer(Options(seed=1, max_connections=7)) as server:
        bench = bench_at(server, costs=frozenset(Cost))
        results = await run(bench, "E10", "F14", "F15", "F16")
    assert results["F14"].outcome is Outcome.PASS
    assert results["F15"].outcome is Outcome.SKIP
    assert results["F16"].evidence.startswith("7 are open, then:")


_NOT_FOUND = json.dumps(
    {
        "type": "error",
        "status": 400,
        "error": {
            "type": "invalid_request_error",
            "code": "previous_response_not_found",
            "message": "Not found.",
            "param": "previous_response_id",
        },
    }
)


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
