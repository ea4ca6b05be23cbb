from __future__ import annotations

from typing import Any

from sessions.records import Record
from sessions.reducer import fold
from sessions.survivors import survivors, what_stopping_costs
from sessions.ways import WayKind
from tests import make


def answered(wire: make.Wire, response_id: str, *, store: bool, **fields: Any) -> list[Record]:
    return [
        wire.sent(make.create(store=store, **fields)),
        *wire.got_all(make.answer(response_id, store=store, lane=fields.get("stream_id"))),
    ]


def test_each_lane_survives_in_its_own_way() -> None:
    wire = make.Wire()
    sessions = fold(
        [
            wire.open(),
            *answered(wire, "resp_a", store=True),
            *answered(wire, "resp_p", store=False, stream_id="plan"),
            wire.sent(make.create(stream_id="risk")),
        ]
    )
    found = survivors(sessions, sessions.sessions[1])
    assert [(one.lane, one.turn, one.way) for one in found] == [
        (None, 1, WayKind.NEW_SOCKET_STORED),
        ("plan", 2, WayKind.REPLAY_NEW_SOCKET),
        ("risk", 0, WayKind.NEW_CHAIN),
    ]
    assert found[0].sentence == "The default lane: T1 is stored, a new socket can go on from it."
    assert "full replay (about 2 items" in found[1].sentence


def test_stopping_one_answer_ends_every_lane() -> None:
    wire = make.Wire()
    sessions = fold(
        [
            wire.open(),
            *answered(wire, "resp_a", store=False),
            wire.sent(make.create(previous_response_id="resp_a")),
            wire.got(make.created("resp_b")),
            wire.sent(make.create(stream_id="plan")),
            wire.got(make.on_lane(make.created("resp_p"), "plan")),
            wire.sent(make.create(stream_id="plan")),
        ]
    )
    told = what_stopping_costs(sessions, sessions.responses["resp_b"])
    lines = told.split("\n")
    assert "no cancel" in lines[0]
    assert "socket 1" in lines[0]
    assert lines[1].startswith("Cut: T2, T3.")
    assert lines[2].startswith("Sent but not begun: T4.")
    assert "T1 lives in this socket's memory only" in told
    assert what_stopping_costs(sessions, session=sessions.sessions[1]) == told


def test_where_nothing_has_ended_nothing_is_lost() -> None:
    wire = make.Wire()
    sessions = fold([wire.open()])
    assert "none has ended yet" in what_stopping_costs(sessions, session=sessions.sessions[1])
    assert "nothing to stop" in what_stopping_costs(sessions)


def test_over_http_stopping_costs_the_request_and_no_memory() -> None:
    wire = make.Wire()
    running = [wire.begun(), *wire.exchange(1, "resp_a")[:5]]
    sessions = fold(running)
    said = what_stopping_costs(sessions, session=sessions.sessions[1])
    assert said.startswith("Stopping closes the request of T1 and nothing else")
    assert "billed" not in said
    sessions = fold([wire.begun(), *wire.exchange(1, "resp_a")])
    said = what_stopping_costs(sessions, session=sessions.sessions[1])
    assert said == "No request is running: there is nothing to stop."
