"""Sessions, lanes, turns and responses as readers see them: times, speeds, what is pending, what remains."""

from __future__ import annotations

import pytest

from sessions.contract import Status
from sessions.reducer import fold
from sessions.session import Phase, Response, Session, Usage, remaining
from tests import make
from tests.make import Wire


def test_the_countdown_starts_at_the_101_and_stops_at_the_end() -> None:
    wire = Wire()
    session = Session(1)
    assert remaining(session, 500.0) == 3600
    wire.wait(10)
    sessions = fold([wire.open(lifetime=1500)])
    session = sessions.sessions[1]
    assert remaining(session, session.opened + 100) == 1400
    assert remaining(session, session.opened + 9_999) == 0
    wire.wait(60)
    sessions.apply(wire.close())
    assert remaining(session, 9_999) == pytest.approx(1500 - 60.01)


@pytest.mark.parametrize(
    ("phase", "is_over"), [(p, p in (Phase.CLOSED, Phase.LOST, Phase.REFUSED)) for p in Phase]
)
def test_which_phases_are_the_end(phase: Phase, is_over: bool) -> None:
    assert phase.is_over is is_over


def test_times_of_a_turn() -> None:
    wire = Wire(step=1.0)
    sessions = fold([wire.open(), *wire.turn("resp_1", "a b c")])
    (turn,) = sessions.turns
    response = turn.responses[0]
    assert turn.time_to_first_token == 5.0  # created, in_progress, added, part, then the first delta
    assert turn.duration(999.0) == 11.0
    assert (response.first_item - turn.sent, response.first_text) == (3.0, response.first_token)
    assert response.tokens_per_second(999.0) == 8 / 2  # eight output tokens by usage, between three deltas


def test_speed_while_it_runs_counts_deltas() -> None:
    wire = Wire(step=1.0)
    bodies = make.answer("resp_1", "a b c d")
    sessions = fold([wire.open(), wire.sent(make.create()), *wire.got_all(bodies[:8])])
    response = sessions.turns[0].responses[0]
    assert response.is_live
    assert response.tokens_per_second(response.first_token + 8) == 4 / 8
    assert response.tokens_per_second(response.first_token) is None


def test_speed_is_unknown_before_two_deltas() -> None:
    assert Response("resp_1", 1, None, 1, 0, 0.0).tokens_per_second(5.0) is None


def test_a_turn_without_an_answer() -> None:
    wire = Wire()
    (turn,) = fold([wire.open(), wire.sent(make.create())]).turns
    assert (turn.response, turn.response_id, turn.time_to_first_token) == (None, "", None)
    assert turn.is_live
    assert turn.duration(turn.sent + 3) == pytest.approx(3)


def test_what_runs_and_what_waits() -> None:
    wire = Wire()
    session = fold(
        [
            wire.open(),
            wire.sent(make.create(stream_id="a")),
            wire.sent(make.create(stream_id="a")),
            wire.sent(make.create()),
            wire.got(make.on_lane(make.created("resp_1"), "a")),
        ]
    ).sessions[1]
    assert [one.id for one in session.live] == ["resp_1"]
    assert (session.waiting, session.named_lanes, len(session.lanes)) == (2, 1, 2)


def test_pending_calls_oldest_first() -> None:
    wire = Wire()
    session = fold(
        [
            wire.open(),
            wire.sent(make.create()),
            *wire.got_all(make.call_answer("resp_1", {"call_1": "{}", "call_2": "{}"})),
            wire.sent(make.create([make.function_output("call_1")], previous_response_id="resp_1")),
        ]
    ).sessions[1]
    assert [(turn.number, item.call_id) for turn, item in session.pending_calls()] == [(1, "call_2")]
    assert [item.call_id for item in session.turns[0].responses[0].calls] == ["call_1", "call_2"]


def test_usage_in_the_contracts_names() -> None:
    usage = Usage(10, 20, 30, 4, None, 5)
    assert usage.plain() == make.usage(10, 20, cached=4, reasoning=5)
    assert usage._replace(cache_write_tokens=6).plain()["input_tokens_details"] == {
        "cached_tokens": 4,
        "cache_write_tokens": 6,
    }


def test_only_endings_are_over() -> None:
    assert [status for status in Status if not status.is_over] == [
        Status.SENT,
        Status.QUEUED,
        Status.IN_PROGRESS,
    ]
