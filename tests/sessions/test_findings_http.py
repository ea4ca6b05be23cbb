"""What is wrong over HTTP has the ids that it has on a socket; what a person stopped is nobody's fault."""

from __future__ import annotations

from collections.abc import Iterable

from sessions.bodies import event_of
from sessions.findings.judge import Judge
from sessions.records import Direction, Kind, Record
from sessions.reducer import Sessions
from tests.make import Wire, created


def found(records: Iterable[Record]) -> list[tuple[str, int]]:
    """The ids of what is wrong, with their turns."""
    sessions = Sessions()
    judge = Judge(sessions)
    for number, record in enumerate(records):
        has_event = record.kind in (Kind.REQUEST, Kind.RESPONSE, Kind.SSE)
        event = event_of(record) if has_event else None
        judge.judge(record, number, event, sessions.apply(record, event if record.kind is Kind.SSE else None))
    return [(finding.id, finding.turn) for finding in (*judge.findings, *judge.end())]


def lost(wire: Wire, **meta: str) -> Record:
    return wire.record(b"", Kind.LOST, Direction.LOCAL, {"exchange": 2, "detail": "it broke", **meta})


def test_whole_turns_over_http_are_clean() -> None:
    wire = Wire()
    turns = [*wire.exchange(1, "resp_1"), *wire.exchange(2, "resp_2", previous_response_id="resp_1")]
    assert found([wire.begun(), *turns]) == []


def test_a_stream_that_broke_is_cut_in_its_answer() -> None:
    wire = Wire()
    records = [wire.begun(), *wire.exchange(1, "resp_1"), *wire.exchange(2, "resp_2")[:6], lost(wire)]
    assert found(records) == [("cut-in-answer", 2)]


def test_a_request_that_we_closed_is_nobody_s_fault() -> None:
    wire = Wire()
    records = [
        wire.begun(), *wire.exchange(1, "resp_1"), *wire.exchange(2, "resp_2")[:6], lost(wire, by="client"),
    ]  # fmt: skip
    assert found(records) == []


def test_a_fallback_leaves_the_finding_of_its_socket_and_no_other() -> None:
    wire = Wire()
    records = [wire.refused("upgrade_required", status=426), wire.begun(), *wire.exchange(1, "resp_1")]
    assert found(records) == [("websocket-off", 0)]


def test_a_stream_without_the_end_of_its_answer_misses_its_terminal_event() -> None:
    wire = Wire()
    *events, _, end = wire.exchange(1, "resp_1")
    assert found([wire.begun(), *events, end]) == [("terminal-missing", 1)]
    tapped = Wire()
    records = [tapped.asked({"model": "m"}), tapped.answered()]
    records += [tapped.streamed(created("resp_1")), tapped.ended()]
    assert ("terminal-missing", 1) in found(records)
