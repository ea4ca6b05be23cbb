"""One cause, one error: what is out of order is told once, and nothing that only follows from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sessions.finding import Finding, Severity
from sessions.records import Record
from tests import make
from tests.make import Body, Wire
from tests.verdict import ids, judged

Change = Callable[[list[Body]], list[Body]]
TEXT = "One two three four five six seven."


def after_a_turn(change: Change) -> list[Record]:
    """A clean turn, one whose answer is changed so, and a clean one that goes on from it."""
    wire = Wire()
    bodies = change(make.answer("resp_2", TEXT, parent="resp_1"))
    return [
        wire.open(),
        *wire.turn("resp_1"),
        wire.sent(make.create(previous_response_id="resp_1")),
        *wire.got_all(bodies),
        *wire.turn("resp_3", previous_response_id="resp_2"),
    ]


def errors(findings: list[Finding]) -> list[str]:
    return [one.id for one in findings if one.severity is Severity.ERROR]


def is_of(kind: str) -> Callable[[Body], bool]:
    return lambda body: body["type"].endswith(kind)


CASES: dict[str, tuple[str, Change]] = {
    "a delta lost": ("sequence-gap", lambda one: one[:6] + one[7:]),
    "the beginning of an item lost": ("sequence-gap", lambda one: one[:2] + one[4:]),
    "the end of an item lost": ("sequence-gap", lambda one: one[:-2] + one[-1:]),
    "a delta twice": ("event-doubled", lambda one: one[:6] + one[5:]),
    "every event twice": ("event-doubled", lambda one: [body for body in one for _ in "ab"]),
    "two deltas in the other order": (
        "sequence-gap",
        lambda one: [*one[:5], one[6], one[5], *one[7:]],
    ),
    "some deltas again": ("sequence-regress", lambda one: one[:8] + one[5:8] + one[8:]),
    "a delta lost and the rest renumbered": ("text-mismatch", lambda one: make.numbered(one[:6] + one[7:])),
    "an item finished again after the end": (
        "event-after-end",
        lambda one: [*one, {**one[-2], "sequence_number": len(one)}],
    ),
    "progress after the end": (
        "event-after-end",
        lambda one: [*one, {**one[1], "sequence_number": len(one)}],
    ),
    "the end again": ("terminal-doubled", lambda one: [*one, {**one[-1], "sequence_number": len(one)}]),
    "a created again": ("created-doubled", lambda one: make.numbered([one[0], *one])),
    "a second response before any output": (
        "created-doubled",
        lambda one: [one[0], *make.answer("resp_2b", TEXT, parent="resp_1")],
    ),
    "a second response after some output": (
        "answer-replayed",
        lambda one: [*one[:6], *make.answer("resp_2b", TEXT, parent="resp_1")],
    ),
}


def one_answer(bodies: list[Any]) -> list[Finding]:
    wire = Wire()
    return judged([wire.open(), wire.sent(make.create()), *wire.got_all(bodies)])


def test_what_was_missing_and_comes_later_is_out_of_order() -> None:
    one = make.answer("resp_1", TEXT)
    found = one_answer([*one[:5], one[6], one[5], *one[7:]])
    assert [(finding.id, finding.severity) for finding in found] == [
        ("sequence-gap", Severity.ERROR),
        ("sequence-late", Severity.NOTE),
    ]
    assert "1 event is not there" in found[0].evidence
    assert "sequence_number 5 came after 6" in found[1].evidence
    assert [finding.id for finding in one_answer([*one[:5], *one[6:]])] == ["sequence-gap"]


def test_a_gap_behind_what_could_not_be_read_is_no_second_error() -> None:
    one = make.answer("resp_1", TEXT)
    whole = make.payload_of(one[5])
    halves = [whole[:30], whole[30:]]
    assert errors(one_answer([*one[:5], *halves, *one[6:]])) == ["not-json"]
    later = one_answer([*one[:5], *halves, *one[6:8], *one[9:]])
    assert errors(later) == ["not-json", "sequence-gap"]
    more = one_answer([*one[:5], *halves, *one[8:]])
    assert errors(more) == ["not-json", "sequence-gap"]
    assert "3 events are not there, 2 of them may be among what could not be read" in more[-1].evidence


def test_numbers_that_are_all_the_same_do_not_count() -> None:
    found = one_answer([{**body, "sequence_number": 0} for body in make.answer("resp_1", TEXT)])
    assert [finding.id for finding in found] == ["sequence-regress"]
    assert "two events that differ have the number 0" in found[0].evidence


def test_an_event_of_an_item_of_another_answer_is_told_and_its_number_is_not() -> None:
    one = make.answer("resp_1", TEXT)
    stray = {**one[5], "item_id": "msg_of_somebody_else", "sequence_number": 40}
    for number in (1, 40):
        found = one_answer([*one[:6], {**stray, "sequence_number": number}, *one[6:]])
        assert errors(found) == ["item-unannounced"]
        assert "msg_of_somebody_else, an item that this response does not have" in found[0].evidence


def test_a_foreign_item_is_found_on_another_socket() -> None:
    there, here = Wire(1), Wire(2, at=1.0)
    other, one = make.answer("resp_1", TEXT), make.answer("resp_2", TEXT)
    records = [there.open(), there.sent(make.create()), *there.got_all(other)]
    stray = {**other[5], "sequence_number": 6}
    bodies = make.numbered([*one[:6], stray, *one[6:]])
    found = judged([*records, here.open(), here.sent(make.create("Else")), *here.got_all(bodies)])
    assert errors(found) == ["item-unannounced"]
    assert "an item of resp_1" in found[0].evidence


def test_an_answer_on_another_lane_than_asked_names_both() -> None:
    wire = Wire()
    bodies = [make.on_lane(body, "main") for body in make.answer("resp_1", TEXT)]
    found = judged([wire.open(), wire.sent(make.create(stream_id="a")), *wire.got_all(bodies)])
    assert [(one.id, one.turn) for one in found] == [("lane-not-echoed", 1)]
    assert "T1 waits on lane 'a'; the response came on lane 'main'" in found[0].evidence
    wire = Wire()
    creates = [wire.sent(make.create("a", stream_id="a")), wire.sent(make.create("b", stream_id="b"))]
    several = judged([wire.open(), *creates, *wire.got_all(make.answer("resp_1", TEXT))])
    assert errors(several) == ["lane-not-echoed"]
    assert "T1 waits on lane 'a', T2 waits on lane 'b'" in several[0].evidence
    wire = Wire()
    assert errors(judged([wire.open(), *wire.got_all(make.answer("resp_1", TEXT))])) == ["unasked-response"]


def test_one_id_on_two_sockets_is_repeated() -> None:
    first, second = Wire(1), Wire(2, at=1.0)
    records = [first.open(), *first.turn("resp_1"), second.open(), *second.turn("resp_1", "Else")]
    found = judged(records)
    assert [(one.id, one.session) for one in found] == [("id-repeated", 2)]
    assert "was made on socket 1 already, as T1" in found[0].evidence
    bridged = Wire(2, at=1.0)
    post = [
        bridged.asked({"model": "m", "input": "Hi"}, client="turnscope-bridge"),
        bridged.answered(),
        *bridged.streamed_all(make.answer("resp_1")),
        bridged.ended(),
    ]
    assert "id-repeated" not in ids(judged([first.open(), *first.turn("resp_1"), *post]))


@pytest.mark.parametrize("name", CASES)
def test_a_cause_is_one_error(name: str) -> None:
    expected, change = CASES[name]
    assert errors(judged(after_a_turn(change))) == [expected]


def test_two_answers_that_run_into_each_other_are_one_error() -> None:
    for parts in ([1] * 60, [6, 6, 60, 60]):  # event by event, and in pieces
        wire = Wire()
        creates = [wire.sent(make.create("a")), wire.sent(make.create("b"))]
        both = [make.answer("resp_1", TEXT), make.answer("resp_2", TEXT)]
        bodies: list[Body] = []
        for number, size in enumerate(parts):
            own = both[number % 2]
            bodies += own[:size]
            del own[:size]
        found = judged([wire.open(), *creates, *wire.got_all(bodies)])
        assert errors(found) == ["lanes-interleaved"]


def test_what_is_left_of_a_failed_turn_comes_after_its_end_though_another_one_waits() -> None:
    wire = Wire()
    old = make.answer("resp_1", TEXT)
    records = [
        wire.open(),
        wire.sent(make.create()),
        *wire.got_all([*old[:7], {**make.failed("resp_1"), "sequence_number": 7}]),
        wire.sent(make.create()),
        *wire.got_all(make.numbered(old[7:9], 8)),
        *wire.got_all(make.answer("resp_2")),
    ]
    found = judged(records)
    assert [(one.id, one.turn) for one in found if one.severity is Severity.ERROR] == [("event-after-end", 1)]


def test_a_call_id_that_changes_is_told() -> None:
    bodies = make.call_answer("resp_1", {"call_1": "{}"})
    done = next(number for number, body in enumerate(bodies) if is_of("output_item.done")(body))
    changed = {**bodies[done]["item"], "call_id": "call_2"}
    bodies[done] = {**bodies[done], "item": changed}
    bodies[-1]["response"]["output"] = [changed]
    wire = Wire()
    records = [wire.open(), wire.sent(make.create()), *wire.got_all(bodies)]
    assert [(one.id, one.records) for one in judged(records)] == [("id-changed", (2 + done,))]


def test_a_final_object_that_leaves_a_call_out_is_told() -> None:
    bodies = make.call_answer("resp_1", {"call_1": "{}", "call_2": "{}"})
    bodies[-1]["response"]["output"] = bodies[-1]["response"]["output"][:1]
    wire = Wire()
    (finding,) = judged([wire.open(), wire.sent(make.create()), *wire.got_all(bodies)])
    assert finding.id == "final-mismatch"
    assert "fc_call_2" in finding.evidence


def test_steering_and_its_refusal_have_numbers_of_their_own() -> None:
    wire = Wire()
    refused = {
        "type": "response.steer.failed",
        "sequence_number": 3,
        "steer": {"previous_response_id": "resp_1", "input": "Shorter."},
        "error": {"type": "invalid_request_error", "code": "response_not_active", "message": "Too late."},
    }
    records = [wire.open(), *wire.turn("resp_1"), wire.sent(make.steer("resp_1")), wire.got(refused)]
    assert judged(records) == []


def whole(wait: float, *, deltas: int = 30, step: float = 0.001) -> list[Record]:
    """A create that is answered so many seconds later, all at once."""
    wire = Wire()
    records = [wire.open(), wire.sent(make.create())]
    wire.wait(wait)
    wire.step = step
    return [*records, *wire.got_all(make.answer("resp_1", "word " * deltas))]


def test_a_whole_answer_in_one_piece_after_a_wait_is_a_burst() -> None:
    assert ids(judged(whole(4.0))) == {"burst"}
    assert judged(whole(1.0)) == []
    assert judged(whole(4.0, deltas=10)) == []
    assert judged(whole(4.0, step=0.01)) == []


def test_a_wait_in_the_queue_of_a_lane_makes_no_burst() -> None:
    wire = Wire(step=0.2)
    creates = [wire.sent(make.create("a")), wire.sent(make.create("b"))]
    first = wire.got_all(make.answer("resp_1", "word " * 20))
    wire.step = 0.001
    second = wire.got_all(make.answer("resp_2", "word " * 30))
    assert ids(judged([wire.open(), *creates, *first, *second])) <= {"head-of-line"}


def test_an_error_right_after_a_failure_is_a_second_end() -> None:
    wire = Wire()
    failed = {**make.failed("resp_1"), "sequence_number": 6}
    records = [wire.open(), wire.sent(make.create()), *wire.got_all([*make.answer("resp_1")[:6], failed])]
    again = judged([*records, wire.got(make.error("server_error", status=500))])
    assert [(one.id, one.turn) for one in again if one.severity is Severity.ERROR] == [
        ("terminal-doubled", 1)
    ]


def test_an_error_for_what_was_asked_since_is_its_own() -> None:
    wire = Wire()
    failed = {**make.failed("resp_1"), "sequence_number": 6}
    records = [wire.open(), wire.sent(make.create()), *wire.got_all([*make.answer("resp_1")[:6], failed])]
    asked = [wire.sent(make.create()), wire.got(make.error("model_not_found", status=404))]
    assert not errors(judged([*records, *asked]))


def test_an_item_of_the_last_answer_is_not_the_beginning_of_the_next_one() -> None:
    wire = Wire()
    first = make.answer("resp_1", TEXT)
    records = [
        wire.open(),
        wire.sent(make.create()),
        *wire.got_all(first),
        wire.sent(make.create()),
        wire.got({**first[-2], "sequence_number": len(first)}),
        *wire.got_all(make.answer("resp_2")),
    ]
    assert [(one.id, one.turn) for one in judged(records)] == [("event-after-end", 1)]


def test_an_end_that_comes_again_is_not_the_answer_of_a_turn_that_waits() -> None:
    wire = Wire()
    first = make.answer("resp_1", TEXT)
    records = [
        wire.open(),
        wire.sent(make.create()),
        *wire.got_all(first),
        wire.sent(make.create()),
        wire.got(first[-1]),
        *wire.got_all(make.answer("resp_2")),
    ]
    assert [(one.id, one.turn) for one in judged(records)] == [("terminal-doubled", 1)]


def test_as_many_errors_as_messages_are_not_one_failure_told_twice() -> None:
    wire = Wire()
    records = [wire.open(), wire.sent(make.create("a")), wire.sent('{"x'), wire.sent("[1]")]
    records += [wire.sent(make.create("b")), *(wire.got(make.error("bad")) for _ in range(4))]
    assert "terminal-doubled" not in ids(judged(records))
    wire = Wire()
    twice = [
        wire.open(),
        wire.sent(make.create("a")),
        wire.got(make.error("bad")),
        wire.got(make.error("bad")),
    ]
    assert "terminal-doubled" in ids(judged(twice))
