"""Sums over the turns of a session, kept up as they end."""

from __future__ import annotations

from sessions.reducer import Sessions, fold
from tests import make
from tui.tally import Tally, tally


def test_tokens_outcomes_and_times() -> None:
    wire = make.Wire()
    records = [wire.open(), *wire.turn("resp_1"), *wire.turn("resp_2")]
    records += [wire.sent(make.create()), wire.got(make.error("server_error", status=500))]
    sums = tally(fold(records).sessions[1])
    assert (sums.usage.input_tokens, sums.usage.output_tokens) == (40, 16)
    assert (sums.ended_well, sums.ended_badly) == (2, 1)
    assert len(sums.first_tokens) == 2
    assert sums.first_tokens == sorted(sums.first_tokens)
    assert len(sums.speeds) == 2


def test_unknown_usage_stays_unknown() -> None:
    wire = make.Wire()
    assert tally(fold([wire.open(), wire.sent(make.create())]).sessions[1]).usage.input_tokens is None


def test_step_by_step_is_the_same_as_at_once() -> None:
    wire = make.Wire()
    records = [wire.open(), wire.sent(make.create(stream_id="slow"))]
    records += wire.got_all([make.on_lane(make.created("resp_s"), "slow")])
    for number in range(5):
        records += wire.turn(f"resp_{number}")
    records += wire.got_all([make.on_lane(make.completed("resp_s"), "slow")])
    sessions = Sessions()
    sums: Tally | None = None
    for record in records:
        sessions.apply(record)
        sums = sums or Tally(sessions.sessions[1])
        sums.update()
    assert sums is not None
    whole = tally(sessions.sessions[1])
    assert sums.usage == whole.usage
    assert sums.ended_well == whole.ended_well == 6
    assert sums.first_tokens == whole.first_tokens


def test_irregular_moves_are_listed_with_their_record() -> None:
    wire = make.Wire()
    records = [
        wire.open(),
        wire.sent(make.create()),
        wire.got(make.created("resp_1")),
        wire.got(make.created("resp_1")),
    ]
    assert tally(fold(records).sessions[1]).irregular == [(3, "response.created came twice")]
