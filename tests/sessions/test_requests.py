"""What the client sent: creates of every shape, answers to calls, steers, and frames that are neither."""

from __future__ import annotations

from typing import Any

import pytest

from sessions.reducer import What, fold
from tests import make
from tests.make import Wire
from tests.playbook import Playbook, change


def test_a_create_is_a_turn_that_waits_on_its_lane() -> None:
    wire = Wire()
    record = wire.sent(
        make.create("x", model="m", store=False, stream_id="plan", previous_response_id="resp_0")
    )
    sessions = fold([wire.open(), record])
    (turn,) = sessions.turns
    assert (turn.number, turn.session, turn.lane, turn.create, turn.sent) == (1, 1, "plan", 1, record.elapsed)
    assert (turn.model, turn.store, turn.parent, turn.parent_turn) == ("m", False, "resp_0", 0)
    assert list(sessions.sessions[1].lanes["plan"].waiting) == [turn]


@pytest.mark.parametrize(
    ("store", "kept"),
    [({}, True), ({"store": None}, True), ({"store": True}, True), ({"store": False}, False)],
)
def test_an_absent_store_means_true(store: dict[str, Any], kept: bool) -> None:
    wire = Wire()
    assert fold([wire.open(), wire.sent(make.create(**store))]).turns[0].store is kept


@pytest.mark.parametrize(
    ("fields", "is_warmup"),
    [
        ({}, False),
        ({"generate": True}, False),
        ({"generate": False}, True),
        ({"prompt_cache_options": {"prewarm": True}}, True),
        ({"prompt_cache_options": "prewarm"}, False),
    ],
)
def test_warmups(fields: dict[str, Any], is_warmup: bool) -> None:
    wire = Wire()
    assert fold([wire.open(), wire.sent(make.create(**fields))]).turns[0].is_warmup is is_warmup


def test_creates_on_one_lane_are_answered_in_their_order() -> None:
    wire = Wire()
    sessions = fold([wire.open(), wire.sent(make.create("one")), wire.sent(make.create("two"))])
    for response_id in ("resp_1", "resp_2"):
        for body in make.answer(response_id, response_id):
            sessions.apply(wire.got(body))
    assert [turn.responses[0].text for turn in sessions.turns] == ["resp_1", "resp_2"]


def test_an_answer_finds_its_call_in_another_session() -> None:
    one, two = Wire(1), Wire(2)
    sessions = fold(
        [
            one.open(),
            one.sent(make.create()),
            *one.got_all(make.call_answer("resp_1", {"call_1": "{}"})),
            one.lost(),
        ]
    )
    sessions.apply(two.open())
    changes = sessions.apply(
        two.sent(make.create([make.function_output("call_1")], previous_response_id="resp_1"))
    )
    assert [(one_.what, one_.detail) for one_ in changes] == [(What.TURN, "sent"), (What.ANSWER, "call_1")]


def test_an_answer_to_an_unknown_call_answers_nothing() -> None:
    wire = Wire()
    play = (
        Playbook()
        >> [wire.open()]
        >> wire.sent(make.create([make.function_output("call_x")]))
        << change(What.TURN, "sent", turn=1)
    )
    assert play
    assert play.sessions.turns[0].answers == ("call_x",)


@pytest.mark.parametrize("lane", [5, [], {}, True, None])
def test_a_lane_of_the_wrong_kind_is_the_default_one(lane: Any) -> None:
    wire = Wire()
    assert fold([wire.open(), wire.sent(make.create(stream_id=lane))]).turns[0].lane is None


@pytest.mark.parametrize(
    ("frame", "what", "detail"),
    [
        ("not json", What.UNDECODABLE, None),
        (b"\xff", What.UNDECODABLE, "not UTF-8"),
        ({"type": "response.append", "input": []}, What.OTHER, "response.append"),
        ({"type": "response.processed", "response_id": "resp_1"}, What.OTHER, "response.processed"),
        ({"type": "response.inject", "response_id": "resp_1", "input": []}, What.OTHER, "response.inject"),
        ({"type": "session.update"}, What.UNKNOWN, "session.update"),
        ({"no": "type"}, What.UNKNOWN, ""),
        ({"type": "response.steer"}, What.STEER, "sent"),
    ],
)
def test_frames_that_are_no_create_begin_no_turn(frame: Any, what: What, detail: str | None) -> None:
    wire = Wire()
    play = Playbook() >> [wire.open()] >> wire.sent(frame) << change(what, detail)
    assert play
    assert play.sessions.turns == []


def test_a_frame_that_names_a_response_belongs_to_its_turn() -> None:
    wire = Wire()
    sessions = fold([wire.open(), *wire.turn("resp_1")])
    (change_,) = sessions.apply(wire.sent({"type": "response.processed", "response_id": "resp_1"}))
    assert change_.turn == 1
    assert sessions.turn_column[-1] == 1
