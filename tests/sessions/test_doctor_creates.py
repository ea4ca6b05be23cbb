"""The doctor's creates that cannot be carried out: nested ones, and those that are not asked again."""

from __future__ import annotations

from sessions.doctor.result import Outcome
from sessions.wire.fake import FakeServer
from sessions.wire.scenarios.options import Options
from tests.sessions.doctor_bench import bench_at, run


async def test_only_nested_parameters_are_read() -> None:
    async with FakeServer(Options(seed=1, dialect="nested")) as server:
        bench = bench_at(server)
        results = await run(bench, "C01", "C10", "C11")
    assert results["C01"].outcome is Outcome.INFO
    assert "See C10" in results["C01"].remedy
    assert results["C10"].outcome is Outcome.WARN
    assert bench.capabilities["create"] == "nested"


async def test_what_follows_is_nested_where_only_nested_parameters_are_read() -> None:
    async with FakeServer(Options(seed=1, dialect="nested")) as server:
        results = await run(bench_at(server), "C01", "C10", "C11", "D01", "E10", "E01", "E02")
    assert [one.id for one in results.values() if one.outcome.is_bad] == ["C10"]
    assert results["D01"].outcome is Outcome.PASS


async def test_without_a_known_refusal_nothing_is_asked_again() -> None:
    async with FakeServer(Options(seed=1)) as server:
        results = await run(bench_at(server), "C10", "C11", "C13")
    assert {one.outcome for one in results.values()} == {Outcome.SKIP}
