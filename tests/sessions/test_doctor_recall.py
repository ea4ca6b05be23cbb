"""The doctor's judgement of what a continuation knows: a lost word, a silent model, a cause that is known."""

from __future__ import annotations

from sessions.doctor import chain
from sessions.doctor.result import Outcome
from sessions.wire.fake import FakeServer
from sessions.wire.scenarios.options import Options
from tests.sessions.doctor_bench import bench_at, run

ALL = ("C01", "D01", "D15", *(one.id for one in chain.CHECKS))


async def test_a_lost_context_is_found_by_its_word() -> None:
    async with FakeServer(Options(seed=1, faults=("wrong-parent",))) as server:
        bench = bench_at(server)
        results = await run(bench, *ALL)
    assert results["E01"].outcome is Outcome.PASS, "its ids are all in order"
    assert results["E02"].outcome is Outcome.FAIL
    assert results["E02"].findings == ("context-lost",)
    assert results["E04"].evidence.startswith("follows from E02"), "one cause is one failure"
    assert bench.capabilities["chain"] == "context lost"


async def test_a_model_that_says_nothing_back_is_no_lost_context() -> None:
    async with FakeServer(Options(seed=1, scenario="long")) as server:
        results = await run(bench_at(server), *ALL)
    assert results["E02"].outcome is Outcome.WARN
    assert results["E04"].outcome is Outcome.WARN
    assert results["D15"].outcome is Outcome.WARN, "words instead of a call"


async def test_without_a_good_turn_no_chain_is_tried() -> None:
    async with FakeServer(Options(seed=1, faults=("close-1011-mid-stream",), keep_frames=True)) as server:
        results = await run(bench_at(server), *ALL)
        creates = sum(len(visit.received) for visit in server.log)
    assert results["E01"].outcome is Outcome.SKIP
    assert results["E10"].outcome is Outcome.SKIP
    assert creates <= 5  # C01, D01, and the two warm-ups of E09


async def test_a_parent_refused_because_ids_change_is_laid_to_the_ids_alone() -> None:
    async with FakeServer(Options(seed=1, faults=("ids-change",))) as server:
        results = await run(bench_at(server), "D10", *ALL)
    assert [one.id for one in results.values() if one.outcome.is_bad] == ["D10"]
    for check_id in ("E01", "E04", "E07", "E10"):
        assert results[check_id].outcome is Outcome.SKIP
        assert "follows from D10" in results[check_id].evidence
