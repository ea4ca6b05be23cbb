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
from sessions.records import Record
from sessions.wire.fake import FakeServer
from sessions.wire.scenarios.options import Options
from tests import make
from tests.make import Wire
from tests.sessions.doctor_bench import KEY, bench_at


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
    for check_id in ("F01", "F02", "F13", "F15"):
        assert by_id[check_id].outcome is Outcome.SKIP
        assert "has to be tried" in by_id[check_id].evidence
    assert "a recording of" in plain(found)
    assert "nothing was sent" in plain(found)


REASONS = {
    "B03": "encrypted", "B06": "outbound proxy", "C04": "nothing", "D15": "no function is called",
    "E03": "another socket", "E04": "another socket", "E05": "another socket",
    "E06": "after a failure", "E07": "call of a function", "E10": "begins with a warm-up",
    "E11": "no later warm-up", "F03": "while another one ran", "F06": "no named lane", "F07": "no ping",
    "G08": "no error",
}  # fmt: skip


async def test_what_a_recording_does_not_hold_is_skipped_not_passed(tmp_path: Path) -> None:
    found = found_in(await recorded(tmp_path / "two-turns.jsonl"))
    by_id = {one.id: one for one in found.results}
    assert {name: by_id[name].outcome for name in REASONS} == dict.fromkeys(REASONS, Outcome.SKIP)
    assert [name for name, words in REASONS.items() if words not in by_id[name].evidence] == []


def one_of_each() -> list[Record]:
    """What makes a recording show what two plain turns do not."""
    wire, other = Wire(1), Wire(2, at=60.0)
    return [
        wire.open(url="wss://api.example/v1/responses"),
        *wire.turn("resp_warm", "", generate=False, store=False),
        *wire.turn("resp_1", "déjà vu", previous_response_id="resp_warm", store=False),
        *wire.turn("resp_2", "well", previous_response_id="resp_1"),
        *wire.turn("resp_later", "", generate=False),
        wire.sent(make.create("x", previous_response_id="resp_9")),
        wire.got(make.error("previous_response_not_found")),
        wire.sent(make.create("x", previous_response_id="resp_9")),
        wire.got(make.error("previous_response_not_found")),
        wire.sent(make.create("x", stream_id="side")),
        wire.got(make.on_lane(make.created("resp_3"), "side")),
        wire.sent(make.create("y", stream_id="side")),
        other.open(url="wss://api.example/v1/responses"),
        *other.turn("resp_5", "yes", previous_response_id="resp_2"),
        *other.turn("resp_6", "no", previous_response_id="resp_1"),
        other.sent(make.create("call it")),
        *other.got_all(make.call_answer("resp_7", {"call_1": "{}"})),
    ]


def test_what_a_recording_holds_is_judged(tmp_path: Path) -> None:
    path = tmp_path / "each.jsonl"
    recording = Recording.create(path)
    for record in one_of_each():
        recording.append(record)
    recording.close()
    by_id = {one.id: one for one in found_in(path).results}
    shown = ("B03", "D15", "D16", "E01", "E02", "E03", "E04", "E05", "E06", "E10", "E11", "F03", "F06", "G08")
    assert [name for name in shown if by_id[name].outcome is Outcome.SKIP] == []
