"""Error frames: whose turn they end, and that they end at most one."""

from __future__ import annotations

import pytest

from sessions.contract import Status
from sessions.reducer import What, fold
from tests import make
from tests.make import Body, Wire


def statuses(*bodies: Body) -> list[Status]:
    """What becomes of a turn that runs and one that is queued behind it when the server sends these."""
    wire = Wire()
    sessions = fold(
        [
            wire.open(),
            wire.sent(make.create("first")),
            wire.got(make.created("resp_1")),
            wire.sent(make.create("second")),
            *wire.got_all(bodies),
        ]
    )
    return [turn.status for turn in sessions.turns]


RUNNING, ERRORED, SENT = Status.IN_PROGRESS, Status.ERRORED, Status.SENT


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (make.error("server_error", status=500), [ERRORED, SENT]),
        ({"type": "error", "code": "server_error", "message": "flat"}, [ERRORED, SENT]),
        (make.error("previous_response_not_found"), [RUNNING, ERRORED]),
        (make.error("response_already_in_flight", status=409), [RUNNING, ERRORED]),
        ({"type": "error", "error": {"type": "invalid_request", "message": "busy"}}, [RUNNING, ERRORED]),
        (make.error("websocket_connection_limit_reached"), [RUNNING, SENT]),
    ],
)
def test_a_refused_request_is_the_one_that_waits(body: Body, expected: list[Status]) -> None:
    assert statuses(body) == expected


def test_an_error_names_its_lane() -> None:
    wire = Wire()
    sessions = fold(
        [
            wire.open(),
            wire.sent(make.create(stream_id="a")),
            wire.sent(make.create(stream_id="b")),
            wire.got(make.error("websocket_stream_limit_reached", stream_id="b")),
        ]
    )
    assert [turn.status for turn in sessions.turns] == [SENT, ERRORED]


def test_an_invalid_lane_cannot_be_echoed_and_is_found_by_its_name() -> None:
    wire = Wire()
    sessions = fold(
        [
            wire.open(),
            wire.sent(make.create(stream_id="good")),
            wire.sent(make.create(stream_id="not good!")),
            wire.got(make.error("invalid_stream_id")),
        ]
    )
    assert [turn.status for turn in sessions.turns] == [SENT, ERRORED]


def test_an_error_without_a_lane_is_for_the_only_busy_one() -> None:
    wire = Wire()
    sessions = fold([wire.open(), wire.sent(make.create(stream_id="a"))])
    changes = sessions.apply(wire.got(make.error("server_error", status=500)))
    assert [one.what for one in changes] == [What.IRREGULAR, What.TURN, What.ERROR]
    assert sessions.turns[0].status is ERRORED


def test_an_error_without_a_lane_among_several_ends_nothing() -> None:
    wire = Wire()
    sessions = fold(
        [wire.open(), wire.sent(make.create(stream_id="a")), wire.sent(make.create(stream_id="b"))]
    )
    (change,) = sessions.apply(wire.got(make.error("server_error", status=500)))
    assert (change.what, change.turn) == (What.ERROR, 0)
    assert [turn.status for turn in sessions.turns] == [SENT, SENT]


def test_an_error_with_nothing_under_way_is_noted() -> None:
    wire = Wire()
    sessions = fold([wire.open(), *wire.turn("resp_1")])
    (change,) = sessions.apply(wire.got(make.error("late", stream_id="nowhere")))
    assert (change.what, change.detail, change.turn) == (What.ERROR, "late", 0)
    assert (sessions.sessions[1].errors, sessions.turns[0].status) == (1, Status.COMPLETED)


def test_the_change_names_the_response_that_erred_and_no_other() -> None:
    wire = Wire()
    sessions = fold(
        [wire.open(), wire.sent(make.create()), wire.got(make.created("resp_1")), wire.sent(make.create())]
    )
    changes = sessions.apply(wire.got(make.error("previous_response_not_found")))
    assert [(one.what, one.turn, one.response) for one in changes] == [
        (What.TURN, 2, ""),
        (What.ERROR, 2, ""),
    ]


def test_limits_in_an_errors_headers_are_kept() -> None:
    wire = Wire()
    body = {**make.error("rate_limit_exceeded", status=429), "headers": {"Retry-After": 9}}
    assert fold([wire.open(), wire.got(body)]).sessions[1].limits == {"retry-after": "9"}


JUNK = make.error("invalid_json")


@pytest.mark.parametrize("junk", [1, 2])
def test_an_error_for_what_nobody_can_read_does_not_end_the_turn_that_waits(junk: int) -> None:
    wire = Wire()
    records = [wire.open(), *wire.turn("resp_0"), *(wire.sent('{"type":') for _ in range(junk))]
    records += [wire.sent(make.create(previous_response_id="resp_0"))]
    records += [*(wire.got(JUNK) for _ in range(junk)), *wire.got_all(make.answer("resp_1"))]
    sessions = fold(records)
    first, second = sessions.turns
    assert [first.status, second.status] == [Status.COMPLETED, Status.COMPLETED]
    assert (second.failure, second.is_forced) == (None, False)
    assert second.response_id == "resp_1"
    assert sessions.sessions[1].evicted == {}  # the parent is still there
    assert sessions.sessions[1].errors == junk


def test_the_last_error_is_the_turn_s_own_where_the_one_before_was_not() -> None:
    wire = Wire()
    records = [wire.open(), wire.sent("[1]"), wire.sent(make.create(previous_response_id="resp_x"))]
    sessions = fold([*records, wire.got(JUNK), wire.got(make.error("previous_response_not_found"))])
    (turn,) = sessions.turns
    assert turn.status is ERRORED
    assert turn.failure is not None
    assert turn.failure.code == "previous_response_not_found"


def test_where_nothing_unreadable_was_sent_an_error_ends_the_turn_for_good() -> None:
    wire = Wire()
    records = [wire.open(), wire.sent("[1]"), wire.got(JUNK), wire.sent(make.create()), wire.got(JUNK)]
    sessions = fold([*records, wire.got(make.created("resp_1"))])
    assert [turn.status for turn in sessions.turns] == [ERRORED, RUNNING]
    assert [turn.is_forced for turn in sessions.turns] == [False, True]
