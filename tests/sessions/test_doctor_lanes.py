"""The doctor's check of lanes: cosmetic, ignored, not expected, or refused."""

from __future__ import annotations

import json

import pytest
from websockets.asyncio.server import ServerConnection

from sessions.doctor.result import Outcome
from sessions.doctor.rules import RULES
from sessions.wire.fake import FakeServer
from sessions.wire.scenarios.options import Options
from tests.sessions.doctor_bench import bench_at, run
from tests.sessions.test_doctor_limits import serving


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
