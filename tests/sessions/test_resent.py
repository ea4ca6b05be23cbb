"""A history that was sent again: whose answer a create repeats, told from the request alone."""

from __future__ import annotations

from typing import Any

import pytest

from sessions.contract import Status
from sessions.reducer import Sessions
from sessions.resent import resent_turn
from sessions.snapshot import snapshot
from tests.make import Body, Wire, answer, call_answer, create, function_output

USER = {"type": "message", "role": "user", "content": "And then?"}


def said(text: str, **fields: object) -> Body:
    """An assistant's message as an item of an input."""
    return {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": text}],
        **fields,
    }


def after(*turns: list[Body], then: object = None, **fields: Any) -> Sessions:
    """A socket on which these answers came, and the create that follows them."""
    wire, state = Wire(), Sessions()
    state.apply(wire.open())
    for number, bodies in enumerate(turns, start=1):
        state.apply(wire.sent(create(f"prompt {number}")))
        for record in wire.got_all(bodies):
            state.apply(record)
    state.apply(wire.sent(create(then, **fields)))
    return state


ONE, TWO = answer("resp_1", "Red."), answer("resp_2", "Blue.")


def test_an_item_is_known_by_its_id() -> None:
    state = after(ONE, TWO)
    item = state.turns[0].responses[0].items[0]
    state = after(ONE, TWO, then=[USER, said("anything", id=item.id), USER])
    newest = state.turns[-1]
    assert (newest.parent, newest.parent_turn, newest.resent_turn, newest.follows) == (None, 0, 1, 1)


def test_a_call_is_known_by_its_call_id() -> None:
    calls = call_answer("resp_1", {"call_7": "{}"})
    call = {"type": "function_call", "call_id": "call_7", "name": "get_weather", "arguments": "{}"}
    state = after(calls, then=[USER, call, function_output("call_7")])
    assert state.turns[-1].resent_turn == 1
    only_its_output = after(calls, then=[function_output("call_7")])
    assert only_its_output.turns[-1].resent_turn == 0  # an answer alone repeats nothing


def test_a_text_without_ids_is_known_word_for_word() -> None:
    assert after(ONE, TWO, then=[USER, said("Red."), USER]).turns[-1].resent_turn == 1
    assert after(ONE, TWO, then=[USER, said("Red"), USER]).turns[-1].resent_turn == 0
    plain = {"role": "assistant", "content": "Blue."}
    assert after(ONE, TWO, then=[USER, plain, USER]).turns[-1].resent_turn == 2


def test_of_equal_texts_the_one_with_the_same_past_is_meant() -> None:
    wire, state = Wire(), Sessions()
    history: list[Body] = []
    state.apply(wire.open())
    for number, text in enumerate(("Red.", "Ok.", "Blue.", "Ok."), start=1):
        state.apply(wire.sent(create([*history, USER])))
        for record in wire.got_all(answer(f"resp_{number}", text)):
            state.apply(record)
        history += [USER, said(text)]
    state.apply(wire.sent(create([*history[:4], USER])))
    assert [turn.resent_turn for turn in state.turns] == [0, 1, 2, 3, 2]
    assert [turn.number for turn in state.story(state.turns[-1])] == [1, 2, 5]
    assert state.chain(state.turns[-1]) == (state.turns[-1],)  # nothing is named, so nothing is inherited


def test_a_named_parent_is_the_parent_whatever_the_input_repeats() -> None:
    newest = after(ONE, TWO, then=[said("Red.")], previous_response_id="resp_2").turns[-1]
    assert (newest.parent_turn, newest.resent_turn, newest.follows) == (2, 0, 2)


def test_a_text_of_another_client_is_a_coincidence() -> None:
    wire, state = Wire(), Sessions()
    for record in (wire.open(client="codex"), wire.sent(create()), *wire.got_all(ONE)):
        state.apply(record)
    for number, client in ((2, "pi"), (3, "codex")):
        other = Wire(number, at=float(number))
        state.apply(other.open(client=client))
        state.apply(other.sent(create([said("Red."), USER])))
    assert [turn.resent_turn for turn in state.turns] == [0, 0, 1]


def test_over_http_each_request_goes_on_from_the_one_whose_answer_it_brings() -> None:
    state = Sessions()
    history: list[Body] = []
    for number in (1, 2, 3):
        wire = Wire(number, at=float(number))
        asked = create([*history, USER], store=False)
        del asked["type"]
        bodies = answer(f"resp_{number}", f"Word {number}.")
        for record in (wire.asked(asked), wire.answered(), *wire.streamed_all(bodies), wire.ended()):
            state.apply(record)
        items = state.turns[-1].responses[0].items
        history += [USER, said(f"Word {number}.", id=items[0].id)]
    assert [turn.status for turn in state.turns] == [Status.COMPLETED] * 3
    assert [turn.resent_turn for turn in state.turns] == [0, 1, 2]
    assert [one["resent_turn"] for one in snapshot(state)["turns"]] == [0, 1, 2]


@pytest.mark.parametrize(
    "value",
    [None, "Red.", 7, {}, [], [None, 7, "x"], [{"role": "assistant"}], [{"type": 7}],
     [{"type": "message", "role": "assistant", "content": [None, {"text": 7}]}],
     [{"type": "reasoning", "id": ["rs"]}], [{"type": "function_call", "call_id": {}}],
     [{"type": "message", "role": "user", "content": "Red."}]],
)  # fmt: skip
def test_nonsense_and_a_persons_own_words_are_no_history(value: object) -> None:
    state = after(ONE)
    assert resent_turn(state, state.sessions[1], value) == 0
