"""Steps from turn to turn: they end at the first and last, and stay among those that are shown."""

from __future__ import annotations

from collections.abc import Sequence

from sessions.reducer import fold
from sessions.session import Turn
from tests.make import Wire, create, error
from tui.scope import ALL, only
from tui.steps import beside, failed_beside


def turns(session: int = 0) -> Sequence[Turn]:
    """T1, T3 and T5 on one connection, T2 and T4 on another; T2 and T3 failed."""
    one, two = Wire(1), Wire(2)
    records = [one.open(), two.open(), *one.turn("resp_1")]
    for wire in (two, one):
        records += [wire.sent(create()), wire.got(error("server_error"))]
    state = fold([*records, *two.turn("resp_4"), *one.turn("resp_5")])
    return (only(session) if session else ALL).turns(state)


def number(turn: Turn | None) -> int:
    return turn.number if turn is not None else 0


def test_a_step_goes_to_the_turn_beside_and_not_beyond_the_ends() -> None:
    assert [number(beside(turns(), at, 1)) for at in (1, 2, 4, 5)] == [2, 3, 5, 5]
    assert [number(beside(turns(), at, -1)) for at in (1, 2, 5)] == [1, 1, 4]
    assert [number(beside(turns(1), at, 1)) for at in (1, 3, 5)] == [3, 5, 5]


def test_from_nowhere_a_step_goes_to_the_last_turn() -> None:
    assert number(beside(turns(), 0, -1)) == 5
    assert number(beside(turns(2), 3, 1)) == 4
    assert beside([], 1, 1) is None


def test_a_step_to_an_error_goes_over_what_went_well() -> None:
    assert [number(failed_beside(turns(), at, 1)) for at in (0, 1, 2, 3)] == [2, 2, 3, 0]
    assert [number(failed_beside(turns(), at, -1)) for at in (0, 5, 3, 2)] == [3, 3, 2, 0]
    assert number(failed_beside(turns(1), 1, 1)) == 3
    assert failed_beside([], 0, 1) is None
