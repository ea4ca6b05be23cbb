"""Turns as columns: forks to the right, chains straight down, nothing lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.contract import Status
from sessions.reducer import fold
from sessions.session import Turn
from tests.make import Wire, answer, call_answer, create
from tui.branches import MOST_COLUMNS, Kind, branches, marker


def turns(*parents: int) -> list[Turn]:
    """Ended turns; each number is the parent's, 0 for a new chain."""
    out = []
    for number, parent in enumerate(parents, 1):
        turn = Turn(number, 1, None, number, 0.0)
        turn.parent_turn = parent
        turn.status = Status.COMPLETED
        out.append(turn)
    return out


def drawn(*parents: int) -> list[str]:
    return [f"{row.graph} T{row.turn}" for row in branches(turns(*parents), has_details=False)]


def test_a_chain_is_a_straight_line() -> None:
    assert drawn(0, 1, 2) == ["o T1", "o T2", "o T3"]


def test_a_history_that_was_sent_again_stands_below_the_turn_that_said_it() -> None:
    found = turns(0, 0, 0)
    found[1].resent_turn = 1
    found[2].resent_turn = 1
    rows = [f"{row.graph} T{row.turn}" for row in branches(found, has_details=False)]
    assert rows == drawn(0, 1, 1)


def test_details_are_joined_by_the_line_to_the_next() -> None:
    rows = branches(turns(0, 1))
    assert [(row.kind, row.graph) for row in rows] == [
        (Kind.TURN, "o"),
        (Kind.DETAIL, "│"),
        (Kind.TURN, "o"),
        (Kind.DETAIL, ""),
    ]


def test_a_fork_takes_the_next_column() -> None:
    assert drawn(0, 1, 1, 2) == ["o T1", "├─╮ T1", "o │ T2", "│ o T3", "o T4"]


def test_two_forks_at_once() -> None:
    assert drawn(0, 1, 1, 1) == ["o T1", "├─┬─╮ T1", "o │ │ T2", "  o │ T3", "    o T4"]


def test_a_second_chain_takes_a_free_column() -> None:
    assert drawn(0, 0, 1, 2) == ["o T1", "│ o T2", "o │ T3", "  o T4"]


def test_a_column_is_free_again_when_its_chain_has_ended() -> None:
    assert drawn(0, 1, 0) == ["o T1", "o T2", "o T3"]


def test_a_parent_outside_is_a_new_chain() -> None:
    assert [row.graph for row in branches(turns(0, 1)[1:], has_details=False)] == ["o"]


@pytest.mark.parametrize(
    ("status", "is_warmup", "sign"),
    [
        (Status.COMPLETED, False, "o"), (Status.INCOMPLETE, False, "o"), (Status.COMPLETED, True, "~"),
        (Status.FAILED, False, "x"), (Status.ERRORED, False, "x"), (Status.CUT, False, "x"),
        (Status.IN_PROGRESS, False, "*"), (Status.QUEUED, False, "*"), (Status.SENT, False, "."),
    ],
)  # fmt: skip
def test_signs(status: Status, is_warmup: bool, sign: str) -> None:
    (turn,) = turns(0)
    turn.status, turn.is_warmup = status, is_warmup
    assert marker(turn) == sign


def test_a_turn_whose_calls_wait_has_a_sign_of_its_own() -> None:
    wire = Wire()
    answered = create(input=[{"type": "function_call_output", "call_id": "c1", "output": "1"}])
    records = [wire.open(), wire.sent(create()), *wire.got_all(call_answer("resp_1", {"c1": "{}"}))]
    assert [marker(turn) for turn in fold(records).turns] == ["?"]
    records += [
        wire.sent({**answered, "previous_response_id": "resp_1"}),
        *wire.got_all(answer("resp_2", "ok")),
    ]
    assert [marker(turn) for turn in fold(records).turns] == ["o", "o"]


@given(st.data(), st.integers(1, 40))
def test_every_turn_has_its_row_and_columns_are_bounded(data: st.DataObject, count: int) -> None:
    parents = [data.draw(st.integers(0, number)) for number in range(count)]
    rows = branches(turns(*parents))
    assert [row.turn for row in rows if row.kind is Kind.TURN] == list(range(1, count + 1))
    for row in rows:
        assert len(row.graph) <= 2 * MOST_COLUMNS - 1
        if row.kind is Kind.TURN:
            assert row.graph.count("o") == 1
            assert row.graph[2 * min(row.column, MOST_COLUMNS - 1)] == "o"


@given(st.data(), st.integers(2, 12))
def test_a_line_leads_from_each_parent_to_each_child(data: st.DataObject, count: int) -> None:
    parents = [data.draw(st.integers(0, number)) for number in range(count)]
    rows = branches(turns(*parents), has_details=False)
    place = {row.turn: (index, row.column) for index, row in enumerate(rows) if row.kind is Kind.TURN}
    for number, parent in enumerate(parents, 1):
        if not parent or place[number][1] >= MOST_COLUMNS:
            continue
        column = 2 * place[number][1]
        between = rows[place[parent][0] + 1 : place[number][0]]
        assert all(len(row.graph) > column and row.graph[column] != " " for row in between)
