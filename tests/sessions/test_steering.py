"""Steering beyond its four transcripts: several steers, rejected ones, and a server that steers by itself."""

from __future__ import annotations

from sessions.contract import Status
from sessions.reducer import What, fold
from sessions.steering import MAX_STEERS
from tests import make
from tests.make import Body, Wire


def accepted(target: str, steer_id: str, **fields: object) -> Body:
    """The server took a steer."""
    steer = {"id": steer_id, "previous_response_id": target, **fields}
    return {"type": "response.steer.accepted", "steer": steer}


def test_two_steers_are_told_apart_by_id() -> None:
    wire = Wire()
    (turn,) = fold(
        [
            wire.open(),
            wire.sent(make.create()),
            wire.got(make.created("resp_1")),
            wire.sent(make.steer("resp_1", "one")),
            wire.sent(make.steer("resp_1", "two")),
            wire.got(accepted("resp_1", "steer_1")),
            wire.got(accepted("resp_1", "steer_2")),
            wire.got(
                {
                    "type": "response.steer.failed",
                    "steer": {"id": "steer_2", "previous_response_id": "resp_1"},
                    "error": {"code": "successor_creation_failed"},
                }
            ),
        ]
    ).turns
    assert [(steer.text, steer.id, steer.state, steer.reason) for steer in turn.steers] == [
        ("one", "steer_1", "accepted", ""),
        ("two", "steer_2", "failed", "successor_creation_failed"),
    ]


def test_a_steer_that_nobody_here_sent_is_kept() -> None:
    wire = Wire()
    (turn,) = fold(
        [
            wire.open(),
            wire.sent(make.create()),
            wire.got(make.created("resp_1")),
            wire.got(accepted("resp_1", "s", input="x")),
        ]
    ).turns
    assert [(steer.text, steer.state) for steer in turn.steers] == [("x", "accepted")]


def test_a_steer_for_an_unknown_response_is_a_change_without_a_turn() -> None:
    wire = Wire()
    sessions = fold([wire.open()])
    for record in (
        wire.sent(make.steer("resp_x")),
        wire.got(accepted("resp_x", "s")),
        wire.got({"type": "response.steer.failed", "steer": 5}),
    ):
        (change,) = sessions.apply(record)
        assert (change.what, change.turn) == (What.STEER, 0)


def test_a_steered_ending_has_its_successor_even_if_no_steer_was_seen() -> None:
    wire = Wire()
    sessions = fold(
        [
            wire.open(),
            wire.sent(make.create()),
            wire.got(make.created("resp_1")),
            wire.got(make.incomplete("resp_1", "steered")),
            *wire.got_all(make.answer("resp_2", "After.", parent="resp_1")),
        ]
    )
    assert [(turn.is_steered, turn.is_forced, turn.parent_turn) for turn in sessions.turns] == [
        (False, False, 0),
        (True, False, 1),
    ]


def test_a_queued_create_is_not_taken_for_the_successor() -> None:
    wire = Wire()
    sessions = fold(
        [
            wire.open(),
            wire.sent(make.create("a trip")),
            wire.got(make.created("resp_1")),
            wire.sent(make.create("something else")),
            wire.sent(make.steer("resp_1")),
            wire.got(accepted("resp_1", "steer_1")),
            wire.got(make.incomplete("resp_1", "steered")),
            *wire.got_all(make.answer("resp_2", "Steered.", parent="resp_1")),
            *wire.got_all(make.answer("resp_3", "Else.")),
        ]
    )
    assert [(turn.create >= 0, turn.is_steered, turn.responses[0].text) for turn in sessions.turns] == [
        (True, False, ""),
        (True, False, "Else."),
        (False, True, "Steered."),
    ]
    assert all(turn.status is not Status.SENT for turn in sessions.turns)


def test_a_successor_inherits_model_and_storage() -> None:
    wire = Wire()
    sessions = fold(
        [
            wire.open(),
            wire.sent(make.create(model="m", store=False)),
            wire.got(make.created("resp_1")),
            wire.got(make.incomplete("resp_1", "steered")),
            wire.got(make.created("resp_2", previous_response_id="resp_1")),
        ]
    )
    assert (sessions.turns[1].model, sessions.turns[1].store) == ("m", False)


def test_a_hostile_number_of_steers_is_bounded() -> None:
    wire = Wire()
    sessions = fold([wire.open(), wire.sent(make.create()), wire.got(make.created("resp_1"))])
    for number in range(2_000):
        sessions.apply(wire.got(accepted("resp_1", f"s{number}")))
        sessions.apply(wire.sent(make.steer("resp_1")))
    assert len(sessions.turns[0].steers) == MAX_STEERS
