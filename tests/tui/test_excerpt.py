"""The excerpt: which turns are shown, and which of those that come are taken up."""

from __future__ import annotations

from sessions.reducer import Sessions, fold
from tests.make import Wire, call_answer, create
from tui.excerpt import Excerpt
from tui.scope import only


def three() -> tuple[Sessions, Wire, Wire]:
    """T1 and T3 in one chain on one connection, T2 on another."""
    one, other = Wire(1), Wire(2)
    records = [one.open(), other.open(), *one.turn("resp_1"), *other.turn("resp_2")]
    return fold([*records, *one.turn("resp_3", previous_response_id="resp_1")]), one, other


def test_all_are_shown_without_a_list_of_them() -> None:
    state, _, _ = three()
    excerpt = Excerpt()
    excerpt.lengthen(state)
    assert excerpt.numbers is None
    assert (excerpt.is_due, excerpt.is_chain, excerpt.words(state)) == (False, False, "all")


def test_a_scope_takes_up_what_comes_to_it_and_nothing_else() -> None:
    state, one, other = three()
    excerpt = Excerpt()
    excerpt.scope = only(1)
    assert excerpt.is_due
    excerpt.lengthen(state)
    assert (excerpt.numbers, excerpt.is_due, excerpt.words(state)) == ([1, 3], False, "c1")
    for record in (*other.turn("resp_4"), *one.turn("resp_5")):
        state.apply(record)
    excerpt.lengthen(state)
    excerpt.lengthen(state)
    assert excerpt.numbers == [1, 3, 5]
    excerpt.begin_again()
    assert (excerpt.numbers, excerpt.is_due) == ([], True)


def test_a_chain_takes_up_what_continues_it_and_no_fork_from_its_middle() -> None:
    state, one, _ = three()
    excerpt = Excerpt()
    excerpt.take_chain(state.chain(state.turns[2]))
    assert excerpt.numbers == [1, 3]
    for parent, response in (("resp_1", "resp_4"), ("resp_3", "resp_5"), ("resp_5", "resp_6")):
        for record in one.turn(response, previous_response_id=parent):
            state.apply(record)
    excerpt.lengthen(state)
    assert excerpt.numbers == [1, 3, 5, 6]
    assert excerpt.words(state) == "chain of T6"
    excerpt.take_chain(())
    assert not excerpt.is_chain
    assert excerpt.numbers is None


def test_a_state_with_fewer_turns_cuts_the_chain() -> None:
    state, _, _ = three()
    excerpt = Excerpt()
    excerpt.take_chain(state.chain(state.turns[2]))
    excerpt.cut(2)
    assert excerpt.numbers == [1]
    excerpt.cut(0)
    assert excerpt.numbers is None


def test_calls_wait_only_where_the_connection_is_open_and_shown() -> None:
    one, other = Wire(1), Wire(2)
    calls = {"call_1": '{"city":"Lisbon"}', "call_2": '{"city":"Oslo"}'}
    records = [one.open(), one.sent(create()), *one.got_all(call_answer("resp_1", calls)), other.open()]
    state = fold(records)
    excerpt = Excerpt()
    assert excerpt.open_calls(state) == 2
    excerpt.scope = only(2)
    assert excerpt.open_calls(state) == 0
    excerpt.scope = only(1)
    assert excerpt.open_calls(state) == 2
    state.apply(one.lost())
    assert excerpt.open_calls(state) == 0
