"""The judge: each thing once, never a crash, and the same whichever way the records come."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions import cli
from sessions.events import decode
from sessions.finding import Severity
from sessions.findings.judge import Judge
from sessions.findings.rules import NAMES, forgiven
from sessions.inspector import Inspector
from sessions.playback import Playback
from sessions.reading import Reading
from sessions.recording import Recording
from sessions.records import Kind, Record, to_line
from sessions.reducer import Sessions
from tests import make, transcripts
from tests.conftest import HandClock
from tests.make import Wire
from tests.sessions.test_laws import conversations
from tests.verdict import ids, judged

#: what a transcript shows on purpose
SHOWN = {
    "j-warmup": {"created-missing"},  # its second one has no beginning
    "h-failure": {"error-in-answer", "turn-failed", "failure-told-twice"},
    "i-errors": {"turn-refused", "error-status-renamed", "error-without-code", "error-flat"},
    "hostile": {
        "not-json",
        "invalid-utf8",
        "nested-deeply",
        "type-missing",
        "sequence-mistyped",
        "unknown-type",
        "lone-surrogate",
        "not-an-object",
        "sse-prefix",
        "app-keepalive",
        "done-marker",
        "binary-frame",
        "closed-while-idle",
    },
}


def faulty() -> list[Record]:
    """Two turns with a gap each, an odd frame and an end in the middle of a third."""
    wire = Wire()
    records = [wire.open()]
    for name in ("resp_1", "resp_2"):
        turn = wire.turn(name, "One two three four.")
        del turn[5]
        records += turn
    records += [wire.got("no json"), wire.sent(make.create("go on")), wire.got(make.created("resp_3"))]
    return [*records, wire.lost()]


@pytest.mark.parametrize("name", transcripts.TRANSCRIPTS)
def test_the_transcripts_of_the_protocol_yield_what_they_show(name: str) -> None:
    assert ids(judged(transcripts.TRANSCRIPTS[name]())) == SHOWN.get(name, set())


def test_a_finding_names_its_turn_its_records_and_who_mends_it() -> None:
    first = judged(faulty())[0]
    assert (first.id, first.severity, first.who) == ("sequence-gap", Severity.ERROR, "proxy")
    assert (first.session, first.turn) == (1, 1)
    assert first.records == (6,)
    assert "1 event is not there" in first.evidence


def test_one_thing_is_told_once_a_turn_and_counted_each_time() -> None:
    wire = Wire()
    records = [wire.open(), *[wire.got("no json") for _ in range(5)]]
    sessions = Sessions()
    judge = Judge(sessions)
    found = [
        finding
        for number, record in enumerate(records)
        for finding in judge.judge(record, number, decode(record.payload), sessions.apply(record))
    ]
    assert [one.id for one in found] == ["not-json"]
    assert judge.counts == {"not-json": 5}


def test_a_profiles_habit_is_a_note_that_says_so() -> None:
    wire = Wire()
    error = {"status": 400, "error": {"type": "invalid_request_error", "code": "c", "message": "No."}}
    records = [wire.open(profile="xai"), wire.sent(make.create()), wire.got(error)]
    (note, _) = judged(records, forgiven("profile"))
    assert (note.id, note.severity, note.who) == ("error-untyped", Severity.NOTE, "nobody")
    assert note.remedy.startswith("Known of xai: ")
    (held, _) = judged(records, forgiven("openai"))
    assert (held.severity, held.who) == (Severity.ERROR, "proxy")


@pytest.mark.parametrize("name", NAMES)
def test_rules_change_weights_and_hide_nothing(name: str) -> None:
    records = [record for maker in transcripts.TRANSCRIPTS.values() for record in maker()]
    assert [one.id for one in judged(records, forgiven(name))] == [one.id for one in judged(records)]


def test_rules_that_nobody_knows_are_an_error() -> None:
    with pytest.raises(KeyError):
        forgiven("strict")


# Whichever way the records come ----------------------------------------------------------------------------


@given(st.lists(st.integers(0, 60), max_size=6))
@settings(max_examples=60, deadline=None)
def test_a_reader_that_goes_back_and_on_finds_the_same(stops: list[int]) -> None:
    records = faulty()
    expected = judged(records)
    sessions = Sessions()
    judge = Judge(sessions)
    for stop in [*stops, len(records)]:
        place = sessions.records
        if stop < place:
            sessions, place = Sessions(), 0
            judge.go_on_with(sessions)
        for number in range(place, min(stop, len(records))):
            record = records[number]
            judge.judge(record, number, decode(record.payload), sessions.apply(record))
        assert judge.before(sessions.records) == [
            one for one in expected if one.records[-1] < sessions.records
        ]
    assert judge.findings == expected


def test_a_playback_shows_what_was_found_before_the_playhead(tmp_path: Path, clock: HandClock) -> None:
    records = faulty()
    recording = Recording.create(tmp_path / "a.jsonl")
    recorder = Inspector(recording)
    recorder.feed_all(records)
    recording.close()
    assert recorder.findings == judged(records)
    playback = Playback(Reading.open(tmp_path / "a.jsonl"), clock)
    while playback.advance(1.0) == 0.0 or not playback.is_at_end:
        pass
    assert playback.inspector.findings == recorder.findings
    for place in (3, 20, 7, 0, len(records)):
        playback.seek(place)
        while playback.is_folding:
            playback.advance(1.0)
        assert playback.inspector.findings == [
            one for one in recorder.findings if one.records[-1] < playback.position
        ]
    playback.reading.close()


async def test_a_follower_is_told(tmp_path: Path) -> None:
    inspector = Inspector(Recording.create(None))
    follower = inspector.follow()
    inspector.feed_all(faulty())
    batch = follower.take()
    assert list(batch.findings) == inspector.findings == judged(faulty())
    assert follower.take().findings == ()
    inspector.recording.close()


@given(conversations())
@settings(max_examples=400, deadline=None)
def test_nothing_a_peer_sends_makes_it_raise(records: list[Record]) -> None:
    found = judged(records)
    for finding in found:
        assert finding.title
        assert json.dumps(finding.plain())
        assert all(0 <= number < len(records) for number in finding.records)


@given(conversations())
@settings(max_examples=100, deadline=None)
def test_who_has_decoded_changes_nothing(records: list[Record]) -> None:
    sessions = Sessions()
    judge = Judge(sessions)
    for number, record in enumerate(records):
        judge.judge(record, number, None, sessions.apply(record))
    assert [*judge.findings, *judge.end()] == judged(records)


def test_a_server_that_is_wrong_without_end_is_told_of_for_a_while() -> None:
    wire = Wire()
    sessions = Sessions()
    judge = Judge(sessions)
    for number in range(0, 24_000, 2):
        for body in (make.created(f"resp_{number}"), make.completed(f"resp_{number}")):
            record, place = wire.got(body), sessions.records
            judge.judge(record, place, None, sessions.apply(record))
    assert len(judge.findings) == 10_000
    assert judge.counts["unasked-response"] == 12_000


def test_http_is_judged_by_what_holds_there() -> None:
    wire = Wire()
    body = {"model": "m", "input": "Hi", "stream": True}
    answer = make.answer("resp_1", "Hello there.")
    records = [
        wire.asked(body),
        wire.answered(),
        *wire.streamed_all(answer),
        wire.record(b"data: [DONE]\n", Kind.SSE),
        wire.ended(),
    ]
    assert judged(records) == []


@pytest.mark.parametrize("how", ["damaged", "taken out"])
def test_a_playback_judges_across_holes_as_a_check_does(
    how: str, tmp_path: Path, clock: HandClock, capsys: pytest.CaptureFixture[str]
) -> None:
    wire = Wire()
    records = [wire.open(), *wire.turn("resp_1", "One two three four."), *wire.turn("resp_2"), wire.lost()]
    lines = [to_line(record, number) for number, record in enumerate(records)]
    lines[7:8] = [b"{damaged\n"] if how == "damaged" else []
    file = tmp_path / "a.jsonl"
    file.write_bytes(
        b'{"format":"turnscope","version":1,"app":"turnscope 9","source":"made"}\n' + b"".join(lines)
    )
    playback = Playback(Reading.open(file), clock)
    while playback.advance(1.0) == 0.0 or not playback.is_at_end:
        pass
    cli.main(["check", str(file), "--json"])
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()[:-1]]
    assert [one["id"] for one in found] == ["damaged-line" if how == "damaged" else "number-jump"]
    assert playback.inspector.findings == []
    playback.seek(3)
    playback.seek(len(records))
    while playback.is_folding:
        playback.advance(1.0)
    assert playback.inspector.findings == []
