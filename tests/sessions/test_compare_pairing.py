"""Which exchange stands beside which: by question and lane, not by number."""

from __future__ import annotations

from typing import Any

from sessions.compare.pairing import Because, couples
from sessions.compare.side import Side, read_side
from tests.make import Body, Wire, answer, call_answer, create, failed, function_output, numbered


def talk(*turns: tuple[Body, list[Body]]) -> Side:
    """A side on one socket: creates and what answered each."""
    wire = Wire()
    records = [wire.open()]
    for asked, bodies in turns:
        records.append(wire.sent(asked))
        records += wire.got_all(bodies)
    return read_side("A", records)


def beside(a: Side, b: Side) -> list[tuple[int, int, str]]:
    """Numbers of the exchanges that stand beside each other, 0 for none, and why."""
    return [
        (one.a.number if one.a else 0, one.b.number if one.b else 0, one.because.value)
        for one in couples(a.exchanges, b.exchanges)
    ]


def asked(text: str, response_id: str, **fields: Any) -> tuple[Body, list[Body]]:
    return create(text, **fields), answer(response_id, "Yes.", lane=fields.get("stream_id"))


CALLS = (create("Weather?"), call_answer("resp_c", {"call_1": "{}"}))
OUTPUT = (create([function_output("call_1")]), answer("resp_o", "Rain."))
BROKEN = numbered([failed("resp_f")])


def test_the_same_questions_stand_beside_each_other_and_more_of_them_alone() -> None:
    a = talk(asked("One", "resp_1"), asked("Two", "resp_2"))
    b = talk(asked("One", "resp_1"))
    assert beside(a, b) == [(1, 1, "asked"), (2, 0, "asked")]
    assert beside(b, a) == [(1, 1, "asked"), (0, 2, "asked")]


def test_a_side_without_a_call_is_compared_with_the_same_question_afterwards() -> None:
    a = talk(CALLS, OUTPUT, asked("Thanks", "resp_t"))
    b = talk(asked("Weather?", "resp_w"), asked("Thanks", "resp_t"))
    assert beside(a, b) == [(1, 1, "asked"), (2, 0, "called"), (3, 2, "asked")]


def test_a_second_try_after_a_failure_belongs_to_the_first() -> None:
    a = talk(asked("One", "resp_1"), asked("Two", "resp_2"))
    b = talk((create("One"), BROKEN), asked("One", "resp_1"), asked("Two", "resp_2"))
    assert beside(a, b) == [(1, 1, "asked"), (0, 2, "again"), (2, 3, "asked")]
    twice = talk(asked("One", "resp_1"), asked("One", "resp_2"))
    assert beside(twice, a)[1] == (2, 2, "asked")  # the same question after a good answer is another turn


def test_lanes_are_paired_by_name_whatever_their_order() -> None:
    left, right = {"stream_id": "left"}, {"stream_id": "right"}
    a = talk(asked("1", "r1", **left), asked("2", "r2", **right), asked("3", "r3", **left))
    b = talk(asked("2", "r2", **right), asked("1", "r1", **left), asked("3", "r3", **left))
    assert beside(a, b) == [(1, 2, "asked"), (2, 1, "asked"), (3, 3, "asked")]


def test_lanes_under_other_names_are_paired_by_their_place() -> None:
    a = talk(asked("1", "r1", stream_id="x1"), asked("2", "r2", stream_id="x2"))
    b = talk(asked("1", "r1", stream_id="y1"), asked("2", "r2", stream_id="y2"), asked("3", "r3"))
    assert beside(a, b) == [(1, 1, "asked"), (2, 2, "asked"), (0, 3, "asked")]


def test_nothing_beside_nothing() -> None:
    assert couples([], []) == []
    assert couples([], talk(OUTPUT).exchanges)[0].because is Because.CALLED


def test_outputs_in_a_history_that_is_sent_again_are_old() -> None:
    call = {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": "{}"}
    rain = {"type": "message", "role": "assistant", "content": "Rain."}
    user = {"type": "message", "role": "user", "content": "Weather?"}
    history = [user, call, function_output("call_1")]
    resent = talk(
        CALLS,
        (create(history), answer("resp_o", "Rain.")),
        (create([*history, rain, user]), answer("resp_t", "Bye.")),
    )
    named = talk(CALLS, OUTPUT, asked("Thanks", "resp_t"))
    assert beside(named, resent) == [(1, 1, "asked"), (2, 2, "called"), (3, 3, "asked")]
    with_words = (create([function_output("call_1"), user]), answer("resp_o", "Rain."))
    assert beside(named, talk(CALLS, with_words))[1] == (2, 2, "called")
