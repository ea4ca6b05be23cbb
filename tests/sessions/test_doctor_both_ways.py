"""Both directions: each fault of a turn gives its own finding and no other, and a clean server gives none."""

from __future__ import annotations

import pytest

from sessions.doctor import chain, errors, limits, streams, turns
from sessions.doctor.check import Cost
from sessions.wire.fake import FakeServer
from sessions.wire.scenarios.options import Options
from tests.sessions.doctor_bench import bench_at, run

#: groups C to F but for the size of frames and the pings, which no such fault changes
CHECKS = tuple(
    one.id
    for one in (*errors.CHECKS, *turns.CHECKS, *chain.CHECKS, *limits.CHECKS, *streams.CHECKS)
    if one.id not in ("F01", "F02", "F07") and one.cost not in (Cost.SLOW, Cost.INTRUSIVE)
)
#: fault -> the findings of all checks that failed or warned
TABLE: tuple[tuple[str, set[str]], ...] = (
    ("no-created", {"created-missing"}),
    ("no-sequence", {"sequence-missing"}),
    ("sequence-gap", {"sequence-gap"}),
    ("sequence-regress", {"sequence-regress"}),
    ("double-terminal", {"terminal-doubled"}),
    ("after-end", {"event-after-end"}),
    ("delta-mismatch", {"text-mismatch"}),
    ("ids-change", {"id-changed"}),
    ("usage-missing", {"usage-missing"}),
    ("unknown-event", {"unknown-type"}),
    ("no-lane-echo", {"lane-not-echoed"}),
    ("non-json", {"not-json"}),
    ("json-not-object", {"not-an-object"}),
    ("binary", {"binary-frame"}),
    ("sse-prefix", {"sse-prefix"}),
    ("done-marker", {"done-marker"}),
    ("invalid-utf8", {"invalid-utf8"}),
    ("deep-nesting", {"nested-deeply"}),
    ("failed", {"turn-failed"}),
    ("error-mid-stream", {"error-in-answer"}),
    ("close-1000-mid-stream", {"closed-normally-in-answer"}),
    ("close-1001-mid-stream", {"server-went-away"}),
    ("close-1011-mid-stream", {"server-error-close"}),
    ("close-1012-mid-stream", {"restart-close"}),
    ("close-1013-mid-stream", {"busy-close"}),
    ("close-4001-mid-stream", {"private-close"}),
    ("abort-mid-stream", {"cut-in-answer"}),
    ("not-found-masked", {"parent-error-masked"}),
    ("wrong-parent", {"context-lost"}),
)
#: what is only told, because clients bear it
TOLD: tuple[tuple[str, str], ...] = (
    ("unknown-field", "unknown-field"),
    ("fragmented", "fragmented-message"),
    ("no-eviction", "no-eviction"),
)


@pytest.mark.parametrize(("fault", "findings"), TABLE, ids=[row[0] for row in TABLE])
async def test_a_fault_gives_its_own_finding_and_no_other(fault: str, findings: set[str]) -> None:
    async with FakeServer(Options(seed=1, faults=(fault,))) as server:
        results = await run(bench_at(server), *CHECKS)
    bad = [one for one in results.values() if one.outcome.is_bad]
    assert {name for one in bad for name in one.findings} == findings
    assert all(one.evidence and one.remedy and one.who != "nobody" for one in bad)


@pytest.mark.parametrize(("fault", "finding"), TOLD, ids=[row[0] for row in TOLD])
async def test_what_clients_bear_is_told_and_not_held_against(fault: str, finding: str) -> None:
    async with FakeServer(Options(seed=1, faults=(fault,))) as server:
        results = await run(bench_at(server), *CHECKS)
    assert [one.id for one in results.values() if one.outcome.is_bad] == []
    assert finding in {name for one in results.values() for name in one.findings}


@pytest.mark.parametrize(
    "options",
    [
        Options(seed=1),
        Options(seed=2, store=False),
        Options(seed=3, compression=False),
        Options(seed=4, rate=400, think_ms=20),
    ],
    ids=["plain", "stores nothing", "no compression", "with pauses"],
)
async def test_a_clean_server_gives_none(options: Options) -> None:
    async with FakeServer(options) as server:
        bench = bench_at(server)
        results = await run(bench, *CHECKS)
        crashes = [visit.crash for visit in server.log if visit.crash is not None]
    assert [one.id for one in results.values() if one.outcome.is_bad] == []
    assert {name for one in results.values() for name in one.findings} == set()
    assert crashes == []
