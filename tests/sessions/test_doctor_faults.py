"""The table of faults: what the fake server can do wrong, and the check of the doctor that says so."""

from __future__ import annotations

import pytest

from sessions.doctor.battery import Battery, with_needs
from sessions.doctor.result import Outcome
from sessions.wire.fake import FakeServer
from sessions.wire.scenarios.faults import FAULTS
from sessions.wire.scenarios.options import Options
from tests.sessions.doctor_bench import bench_at

#: fault -> the check that finds it, whatever else it upsets
FOUND_BY = {
    "426": "B11",
    "401": "B12",
    "403": "B12",
    "403-without-model": "B08",
    "404": "B09",
    "429": "B07",
    "500": "B07",
    "503": "B07",
    "http-200": "B07",
    "silent-upgrade": "B14",
    "slow-upgrade": "B21",
    "1008-after-101": "B19",
    "close-1000-mid-stream": "D01",
    "close-1001-mid-stream": "D01",
    "close-1011-mid-stream": "D01",
    "close-1012-mid-stream": "D01",
    "close-1013-mid-stream": "D01",
    "close-4001-mid-stream": "D01",
    "close-mid-stream": "D01",
    "abort-mid-stream": "D01",
    "1009": "D01",
    "silence": "D01",
    "half-open": "F07",
    "failed": "D01",
    "error-then-failed": "D01",
    "error-mid-stream": "D01",
    "unknown-event": "D06",
    "unknown-field": "D06",
    "no-sequence": "D05",
    "sequence-gap": "D05",
    "sequence-regress": "D05",
    "no-created": "D02",
    "no-terminal": "D01",
    "double-terminal": "D03",
    "after-end": "D04",
    "delta-mismatch": "D09",
    "ids-change": "D10",
    "usage-missing": "D11",
    "no-lane-echo": "F06",
    "burst": "D12",
    "non-json": "D13",
    "json-not-object": "D13",
    "binary": "D13",
    "invalid-utf8": "D16",
    "sse-prefix": "D13",
    "done-marker": "D04",
    "big-frame": "D13",
    "deep-nesting": "D13",
    "fragmented": "D13",
    "lone-surrogates": "D16",
    "no-eviction": "E06",
    "not-found-masked": "C01",
    "wrong-parent": "E02",
}
#: seen in a recording by `check` only: they need minutes, a million events or an idle socket
BY_CHECK_ONLY = {"keepalive", "million-deltas", "big-frame-objects"}
#: told as information: legal, or meant so
TOLD = {"426", "unknown-field", "fragmented", "no-eviction"}


def test_every_fault_has_its_check() -> None:
    assert set(FOUND_BY) | BY_CHECK_ONLY == set(FAULTS)
    assert not set(FOUND_BY) & BY_CHECK_ONLY


@pytest.mark.parametrize(("fault", "check_id"), FOUND_BY.items(), ids=list(FOUND_BY))
async def test_a_fault_is_found(fault: str, check_id: str) -> None:
    argument = {"slow-upgrade": ":2.1"}.get(fault, "")
    async with FakeServer(Options(seed=1, faults=(fault + argument,))) as server:
        waits = 3.0 if fault == "slow-upgrade" else 1.0
        bench = bench_at(server, open_timeout_seconds=waits, patience_seconds=1.0)
        battery = Battery(bench, with_needs([check_id]))
        results = {one.id: one async for one in battery.run()}
    found = results[check_id]
    assert found.outcome.is_bad or (fault in TOLD and found.outcome is Outcome.INFO), found
    assert found.evidence
    if found.outcome.is_bad:
        assert found.remedy
        assert found.who != "nobody"


@pytest.mark.parametrize("check_id", sorted(set(FOUND_BY.values())))
async def test_a_clean_server_yields_none(check_id: str) -> None:
    async with FakeServer(Options(seed=1)) as server:
        battery = Battery(bench_at(server), with_needs([check_id]))
        results = [one async for one in battery.run()]
    assert not [one for one in results if one.outcome.is_bad]
