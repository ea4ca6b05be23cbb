"""The doctor's checks of warm-ups: refused, or billed."""

from __future__ import annotations

import pytest

from sessions.doctor import warm_ups
from sessions.doctor.probes import Asked
from sessions.doctor.result import Outcome
from sessions.doctor.rules import RULES
from sessions.wire.fake import FakeServer
from sessions.wire.scenarios.options import Options
from tests.sessions.doctor_bench import bench_at, run


@pytest.mark.parametrize(("rules", "outcome"), [("openai", Outcome.INFO), ("codex", Outcome.FAIL)])
async def test_a_refused_warm_up_is_judged_by_the_rules(rules: str, outcome: Outcome) -> None:
    async with FakeServer(Options(seed=1, faults=("error-mid-stream@1",))) as server:
        bench = bench_at(server, rules=RULES[rules])
        results = await run(bench, "E10")
    assert results["E10"].outcome is outcome
    assert bench.capabilities["warm-up"] == "no"


async def test_a_warm_up_that_generates_is_billed() -> None:
    async with FakeServer(Options(seed=1)) as server:
        bench = bench_at(server)
        await run(bench, "D01")
    verdict = warm_ups.flaw_of_warm_up(bench, Asked(bench.facts.turns["short"]))
    assert verdict is not None
    assert verdict.outcome is Outcome.FAIL
    assert verdict.findings == ("warmup-generated",)
