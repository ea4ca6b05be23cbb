"""A scope as a value: which connections are shown, and which turns are theirs."""

from __future__ import annotations

from sessions.reducer import Sessions, fold
from tests.make import Wire
from tui.scope import ALL, Scope, foremost, only


def two() -> Sessions:
    """Two connections whose turns alternate: T1 and T3 on the first, T2 on the second."""
    first, second = Wire(1, at=0.0), Wire(2, at=0.5)
    return fold(
        [
            first.open(),
            second.open(),
            *first.turn("resp_1"),
            *second.turn("resp_2"),
            *first.turn("resp_3"),
        ]
    )


def test_all_is_everything_and_costs_no_copy() -> None:
    state = two()
    assert ALL.has(7)
    assert ALL.turns(state) is state.turns
    assert ALL.newest(state) == 2
    assert ALL.last_turn(state) is state.turns[-1]
    assert [one.number for one in ALL.sessions(state)] == [1, 2]
    assert ALL.words(state) == "all"
    assert ALL.words(fold([Wire(1).open()])) == ""


def test_one_connection_has_its_own_turns() -> None:
    state = two()
    scope = only(1)
    assert [turn.number for turn in scope.turns(state)] == [1, 3]
    assert [turn.number for turn in scope.turns(state, after=1)] == [3]
    assert scope.newest(state) == 1
    assert scope.has_turn(state.turn(3))
    assert not scope.has_turn(state.turn(2))
    assert not scope.has_turn(None)
    assert scope.words(state) == "c1"
    last = only(2).last_turn(state)
    assert last is not None
    assert last.number == 2


def test_a_connection_that_is_not_there_yet_has_nothing() -> None:
    state = two()
    assert only(9).newest(state) == 0
    assert only(9).last_turn(state) is None
    assert list(only(9).turns(state)) == []
    assert ALL.newest(Sessions()) == 0
    assert ALL.last_turn(Sessions()) is None


def test_a_named_scope_grows_and_keeps_its_places() -> None:
    state = two()
    scope = Scope(frozenset({1}), "alpha")
    grown = scope.plus(2)
    assert grown.numbers == {1, 2}
    assert grown.key == scope.key
    assert grown.plus(2) is grown
    assert ALL.plus(3) is ALL
    assert [turn.number for turn in grown.turns(state)] == [1, 2, 3]
    assert grown.words(state) == "alpha"
    assert only(1).key != only(2).key != ALL.key


def test_the_foremost_connection_is_the_newest_that_is_not_over() -> None:
    first, second = Wire(1, at=0.0), Wire(2, at=0.5)
    ended = [first.open(), second.open(), second.close(1000)]
    told = foremost(fold(ended))
    assert told is not None
    assert told.number == 1, "the first one still stands, and may speak"
    told = foremost(fold([*ended, first.close(1000)]))
    assert told is not None
    assert told.number == 2
    assert foremost(Sessions()) is None
