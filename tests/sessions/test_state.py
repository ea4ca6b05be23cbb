"""The state as readers ask it: by number, by chain, by column."""

from __future__ import annotations

from sessions.changes import What
from sessions.reducer import fold
from sessions.session import Response, Session
from sessions.state import State, Step
from tests import make
from tests.make import Wire


def test_turns_are_found_by_number() -> None:
    wire = Wire()
    sessions = fold([wire.open(), *wire.turn("resp_1")])
    assert sessions.turn(1) is sessions.turns[0]
    assert (sessions.turn(0), sessions.turn(2), sessions.turn(-1)) == (None, None, None)


def test_chains_and_children_are_a_tree() -> None:
    wire = Wire()
    sessions = fold(
        [
            wire.open(),
            *wire.turn("resp_1"),
            *wire.turn("resp_2", previous_response_id="resp_1"),
            *wire.turn("resp_3", previous_response_id="resp_1"),
            *wire.turn("resp_4", previous_response_id="resp_3"),
        ]
    )
    one, two, three, four = sessions.turns
    assert sessions.chain(four) == (one, three, four)
    assert sessions.children(one) == (two, three)
    assert sessions.children(four) == ()


def test_a_response_that_names_itself_as_parent_makes_no_circle() -> None:
    wire = Wire()
    sessions = fold(
        [
            wire.open(),
            *wire.turn("resp_1", previous_response_id="resp_1"),
            *wire.turn("resp_1", previous_response_id="resp_1"),
        ]
    )
    assert [len(sessions.chain(turn)) for turn in sessions.turns] == [1, 2]


def test_the_columns_say_type_and_turn_of_every_record() -> None:
    wire = Wire()
    sessions = fold(
        [
            wire.open(),
            wire.sent(make.create()),
            wire.got(make.created("resp_1")),
            wire.got("junk"),
            wire.close(),
        ]
    )
    assert [sessions.type_at(number) for number in range(5)] == [
        "open",
        "response.create",
        "response.created",
        "text",
        "close",
    ]
    assert list(sessions.turn_column) == [0, 1, 1, 0, 0]


def test_long_type_names_are_cut_and_share_their_index() -> None:
    state = State()
    assert state.type_id("x" * 300) == state.type_id("x" * 900) == state.type_id("x" * 200)
    assert state.type_names == ["", "x" * 200]


def test_a_spelling_is_noted_once_a_session_and_once_a_response() -> None:
    step = Step(State(), Session(1), 0, 0.0, 0)
    step.spell(["object delta", "object delta"])
    assert [one.what for one in step.changes] == [What.DIALECT]
    turn = step.begin_turn(step.session.lane(None), 0)
    turn.responses.append(Response("resp_1", 1, None, 1, 0, 0.0))
    step.spell(["object delta"])
    step.spell(["object delta"])
    assert len(step.changes) == 2
