"""The doctor's forced call and the way back of its output."""

from __future__ import annotations

import json

from sessions.doctor.result import Outcome
from sessions.wire.fake import FakeServer
from sessions.wire.scenarios.options import Options
from tests.sessions.doctor_bench import bench_at, run


async def test_a_call_comes_as_forced_and_its_output_is_answered() -> None:
    async with FakeServer(Options(seed=1, keep_frames=True)) as server:
        results = await run(bench_at(server), "D01", "D15", "E07")
        creates = [json.loads(payload) for visit in server.log for payload in visit.received]
    assert "read_gauge(" in results["D15"].evidence
    assert results["E07"].outcome is Outcome.PASS
    _, _, answer = creates
    assert [one["type"] for one in answer["input"]] == ["function_call_output"], "the output alone is sent"


async def test_words_instead_of_a_call_leave_nothing_to_answer() -> None:
    async with FakeServer(Options(seed=1, scenario="long")) as server:
        results = await run(bench_at(server), "D01", "D15", "E07")
    assert results["D15"].outcome is Outcome.WARN
    assert "words instead of the call" in results["D15"].evidence
    assert results["E07"].outcome is Outcome.SKIP
