"""The battery: order, dependencies, budget, time limits; and results that hold no key."""

from __future__ import annotations

from sessions.doctor.result import Outcome
from sessions.wire.fake import FakeServer
from sessions.wire.scenarios.options import Options
from tests.sessions.doctor_bench import bench_at, run


async def test_a_clean_server_passes_the_first_checks() -> None:
    async with FakeServer(Options(seed=1)) as server:
        results = await run(bench_at(server), "A02", "B07")
    assert {one.outcome for one in results.values()} == {Outcome.PASS}


async def test_a_refused_upgrade_fails_with_its_class() -> None:
    async with FakeServer(Options(seed=1, faults=("404",))) as server:
        results = await run(bench_at(server), "B07")
    assert results["B07"].outcome is Outcome.FAIL
    assert results["B07"].failure_class == "not_found"
