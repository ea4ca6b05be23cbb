"""Where an item stands, and which one an object means."""

from __future__ import annotations

from sessions.items import Item
from sessions.outputs import add_item, item_in, next_index, register, take_final
from sessions.session import Response, Session
from sessions.state import State, Step
from tests import make


def fresh() -> tuple[Step, Response]:
    """A step that writes to a response without items."""
    step = Step(State(), Session(1), 7, 1.0, 10)
    return step, Response("resp_1", 1, None, 1, 0, 0.0)


def test_items_stand_by_index_and_are_found_by_id() -> None:
    _, response = fresh()
    made = [add_item(response, f"it_{index}", index) for index in (5, 1, 3, 9, -2)]
    assert [item.output_index for item in response.items] == [-2, 1, 3, 5, 9]
    assert response.by_id["it_3"] is made[2] is response.by_index[3]
    assert next_index(response) == 10


def test_the_next_index_of_an_empty_response_is_zero() -> None:
    assert next_index(fresh()[1]) == 0


def test_an_object_means_the_item_of_its_id_before_that_of_its_index() -> None:
    step, response = fresh()
    one, two = add_item(response, "it_1", 0), add_item(response, "it_2", 1)
    assert item_in(step, response, {"id": "it_2"}, 0) is two
    assert item_in(step, response, {}, 0) is one
    assert item_in(step, response, {"id": "it_3"}, 2) is None
    assert step.changes == []


def test_an_object_without_an_index_means_the_nameless_item_of_the_deltas() -> None:
    step, response = fresh()
    nameless = add_item(response, "", 0)
    assert item_in(step, response, {"id": "msg_1"}, None) is nameless
    assert (nameless.id, response.by_id["msg_1"]) == ("msg_1", nameless)
    assert item_in(step, response, {"id": "msg_2"}, None) is None


def test_a_final_output_finishes_only_what_was_not_finished() -> None:
    step, response = fresh()
    done = add_item(response, "msg_1", 0)
    done.done = 3
    done.part("output_text", 0).text.append("streamed", 3)
    take_final(
        step, response, [make.message("msg_1", "rebuilt by a proxy"), make.message("msg_2", "new"), 7, None]
    )
    assert [item.text("output_text") for item in response.items] == ["streamed", "new"]
    assert [item.done for item in response.items] == [3, 7]
    take_final(step, response, "no list")
    assert len(response.items) == 2


def test_a_servers_output_answers_its_call_once() -> None:
    step, _ = fresh()
    call, output = Item("sh_1", 0, "shell_call"), Item("sho_1", 1, "shell_call_output")
    call.call_id = output.call_id = "call_1"
    register(step, call)
    register(step, output)
    assert (call.answered, call.answered_by, step.state.calls) == (7, "server", {"call_1": call})
    call.answered, call.answered_by = 5, "client"
    register(step, output)
    assert call.answered_by == "client"
