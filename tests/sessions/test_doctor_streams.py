"""The doctor's checks of streams: every fault under its own id, once a turn has begun."""

from __future__ import annotations

import pytest

from sessions.doctor.result import Outcome
from sessions.wire.fake import FakeServer
from sessions.wire.scenarios.options import Options
from tests.sessions.doctor_bench import bench_at, run

#: fault -> the check that finds it, under this id
FOUND = (
    ("no-created", "D02", "created-missing"),
    ("double-terminal", "D03", "terminal-doubled"),
    ("after-end", "D04", "event-after-end"),
    ("done-marker", "D04", "done-marker"),
    ("sequence-gap", "D05", "sequence-gap"),
    ("sequence-regress", "D05", "sequence-regress"),
    ("no-sequence", "D05", "sequence-missing"),
    ("unknown-event", "D06", "unknown-type"),
    ("unknown-field", "D06", "unknown-field"),
    ("delta-mismatch", "D09", "text-mismatch"),
    ("ids-change", "D10", "id-changed"),
    ("usage-missing", "D11", "usage-missing"),
    ("non-json", "D13", "not-json"),
    ("json-not-object", "D13", "not-an-object"),
    ("binary", "D13", "binary-frame"),
    ("sse-prefix", "D13", "sse-prefix"),
    ("big-frame:2", "D13", "big-frame"),
    ("big-frame-objects:2", "D13", "heavy-frame"),
    ("fragmented", "D13", "fragmented-message"),
    ("deep-nesting", "D13", "nested-deeply"),
    ("invalid-utf8", "D16", "invalid-utf8"),
    ("lone-surrogates", "D16", "lone-surrogate"),
    ("close-1000-mid-stream", "D01", "closed-normally-in-answer"),
    ("close-1001-mid-stream", "D01", "server-went-away"),
    ("close-1011-mid-stream", "D01", "server-error-close"),
    ("close-1012-mid-stream", "D01", "restart-close"),
    ("close-1013-mid-stream", "D01", "busy-close"),
    ("close-4001-mid-stream", "D01", "private-close"),
    ("abort-mid-stream", "D01", "cut-in-answer"),
    ("1009", "D01", "too-big-close"),
    ("failed", "D01", "turn-failed"),
    ("error-then-failed", "D01", "failure-told-twice"),
    ("error-mid-stream", "D01", "error-in-answer"),
)


@pytest.mark.parametrize(("fault", "check_id", "finding"), FOUND, ids=[row[0] for row in FOUND])
async def test_a_fault_is_found_under_its_own_id(fault: str, check_id: str, finding: str) -> None:
    async with FakeServer(Options(seed=1, faults=(fault,))) as server:
        results = await run(bench_at(server), "D01", "D16", check_id)
    result = results[check_id]
    assert finding in result.findings
    assert result.outcome not in (Outcome.PASS, Outcome.SKIP)
    assert result.evidence


async def test_another_dialect_is_named_by_its_end_deltas_and_usage() -> None:
    async with FakeServer(Options(seed=1, dialect="llm-interactive-proxy")) as server:
        bench = bench_at(server)
        results = await run(bench, "D01", "D03", "D07", "D11")
    assert results["D03"].findings == ("terminal-renamed",)
    assert results["D07"].findings == ("delta-renamed",)
    assert results["D11"].findings == ("usage-renamed",)
    assert bench.capabilities["end"] == "response.done"


async def test_nothing_is_looked_at_when_no_turn_has_begun() -> None:
    async with FakeServer(Options(seed=1)) as server:
        results = await run(bench_at(server), "D05", "D03")
    assert {one.outcome for one in results.values()} == {Outcome.SKIP}
