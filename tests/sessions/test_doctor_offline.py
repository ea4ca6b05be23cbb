"""A recording instead of an endpoint: the same checks, decided by the same findings, nothing sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessions.doctor.offline import examine
from sessions.doctor.report import Examination, exit_of, plain
from sessions.doctor.result import Outcome
from sessions.doctor.rules import RULES
from sessions.reading import Reading
from sessions.recording import Recording
from sessions.wire.fake import FakeServer
from sessions.wire.scenarios.options import Options
from tests.sessions.doctor_bench import KEY, bench_at, run


async def recorded(path: Path, *faults: str, turns: int = 2, **given: object) -> Path:
    """A recording of a few chained turns against a server with these faults."""
    async with FakeServer(Options(seed=1, faults=faults)) as server:
        bench = bench_at(server, recording=Recording.create(path), **given)
        async with bench.open() as bout:
            parent = None
            for _ in range(turns):
                parent = (await bout.ask(bench.frame("Tell me about plums.", parent=parent))).response_id
        bench.inspector.recording.close()
    return path


def found_in(path: Path, rules: str = "") -> Examination:
    reading = Reading.open(path)
    try:
        return examine(reading, RULES[rules] if rules else None, path.name)
    finally:
        reading.close()


async def test_a_clean_recording_has_no_defect(tmp_path: Path) -> None:
    found = found_in(await recorded(tmp_path / "clean.jsonl"))
    assert not any(one.outcome.is_bad for one in found.results)
    by_id = {one.id: one.outcome for one in found.results}
    assert by_id["D03"] is Outcome.PASS
    assert by_id["D05"] is Outcome.PASS
    assert found.tokens > 0
    assert found.profile == "openai"
    assert exit_of(found) == 0
    assert KEY not in plain(found)


@pytest.mark.parametrize(
    ("fault", "check_id", "finding"),
    [
        ("sequence-gap", "D05", "sequence-gap"),
        ("after-end", "D04", "event-after-end"),
        ("delta-mismatch", "D09", "text-mismatch"),
        ("no-created", "D02", "created-missing"),
        ("usage-missing", "D11", "usage-missing"),
        ("unknown-event", "D06", "unknown-type"),
        ("sse-prefix", "D13", "sse-prefix"),
    ],
)
async def test_a_defect_is_found_under_the_check_that_a_live_run_has(
    tmp_path: Path, fault: str, check_id: str, finding: str
) -> None:
    found = found_in(await recorded(tmp_path / "odd.jsonl", fault))
    result = next(one for one in found.results if one.id == check_id)
    assert result.outcome.is_bad
    assert finding in result.findings
    assert result.remedy
    assert "#" in result.evidence


async def test_what_no_check_stands_for_is_told_all_the_same(tmp_path: Path) -> None:
    found = found_in(await recorded(tmp_path / "cut.jsonl", "abort-mid-stream", turns=1))
    ids = {name for one in found.results if one.outcome.is_bad for name in one.findings}
    assert "cut-in-answer" in ids
    assert exit_of(found) == 1


async def test_what_a_recording_cannot_say_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "empty.jsonl"
    Recording.create(path).close()
    found = found_in(path)
    assert {one.outcome for one in found.results} == {Outcome.SKIP}
    assert exit_of(found) == 0


async def test_what_only_a_trial_can_show_is_skipped_with_the_reason(tmp_path: Path) -> None:
    found = found_in(await recorded(tmp_path / "clean.jsonl"))
    by_id = {one.id: one for one in found.results}
    for check_id in ("F01", "F02", "F03", "F15"):
        assert by_id[check_id].outcome is Outcome.SKIP
        assert "has to be tried" in by_id[check_id].evidence
    assert by_id["B06"].outcome is Outcome.SKIP
    assert "outbound proxy" in by_id["B06"].evidence
    assert by_id["E07"].outcome is Outcome.SKIP
    assert "call of a function" in by_id["E07"].evidence


async def test_a_call_that_is_answered_in_the_recording_is_judged(tmp_path: Path) -> None:
    path = tmp_path / "called.jsonl"
    async with FakeServer(Options(seed=1)) as server:
        bench = bench_at(server, recording=Recording.create(path))
        await run(bench, "D15")
        bench.inspector.recording.close()
    by_id = {one.id: one for one in found_in(path).results}
    assert by_id["E07"].outcome is Outcome.PASS


async def test_rules_weigh_what_a_profile_is_known_for(tmp_path: Path) -> None:
    name = "llm-interactive-proxy"
    async with FakeServer(Options(seed=1, dialect=name)) as server:
        path = tmp_path / "odd.jsonl"
        bench = bench_at(server, recording=Recording.create(path), profile=name)
        async with bench.open() as bout:
            await bout.ask(bench.frame())
        bench.inspector.recording.close()
    assert not any(one.outcome.is_bad for one in found_in(path).results)
    assert any(one.outcome.is_bad for one in found_in(path, "openai").results)
