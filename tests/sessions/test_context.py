from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sessions.context import create_of, full_replay, sent_items, user_message
from sessions.records import Kind, Record
from sessions.reducer import Sessions, fold
from sessions.session import Turn
from tests import make


def folded(records: list[Record]) -> tuple[Sessions, Callable[[int], Record]]:
    return fold(records), records.__getitem__


def turn_of(sessions: Sessions, number: int) -> Turn:
    turn = sessions.turn(number)
    assert turn is not None
    return turn


def kinds(items: tuple[dict[str, Any], ...]) -> list[str]:
    return [f"{item['type']}:{item.get('role', '')}".rstrip(":") for item in items]


def test_every_item_of_the_chain_in_order() -> None:
    wire = make.Wire()
    records = [
        wire.open(),
        *wire.turn("resp_a", "One.", input="First?"),
        *wire.turn("resp_x", "Elsewhere.", input="Another chain?", stream_id="x"),
        wire.sent(make.create("Weather?", previous_response_id="resp_a")),
        *wire.got_all(make.call_answer("resp_b", {"call_1": '{"city": "Oslo"}'}, parent="resp_a")),
        wire.sent(
            make.create([make.function_output("call_1"), user_message("And?")], previous_response_id="resp_b")
        ),
        *wire.got_all(make.answer("resp_c", "Cold.", parent="resp_b")),
    ]
    sessions, read_record = folded(records)
    replay = full_replay(sessions, turn_of(sessions, 4), read_record)
    assert kinds(replay.items) == [
        "message:user",
        "message:assistant",
        "message:user",
        "function_call",
        "function_call_output",
        "message:user",
        "message:assistant",
    ]
    assert replay.items[0] == user_message("First?")
    assert replay.items[3]["arguments"] == '{"city": "Oslo"}'
    assert replay.items[3]["id"] == "fc_call_1"
    assert (replay.notes, replay.is_complete) == ((), True)
    assert replay.size > 400


def test_output_items_come_from_done_never_from_added() -> None:
    wire = make.Wire()
    records = [
        wire.open(),
        wire.sent(make.create()),
        wire.got(make.created("resp_a")),
        wire.got(make.item_added(make.reasoning("rs_1", encrypted="partial"))),
        wire.got(make.item_done(make.reasoning("rs_1", "Thinking", "whole"))),
        *wire.got_all(make.message_events("msg_1", "Hi.", 1)),
        wire.got(make.completed("resp_a")),
    ]
    sessions, read_record = folded(records)
    replay = full_replay(sessions, turn_of(sessions, 1), read_record)
    assert replay.items[1]["encrypted_content"] == "whole"
    assert replay.items[2]["id"] == "msg_1"
    assert replay.is_complete


def test_reasoning_that_cannot_go_back_is_left_out_and_said() -> None:
    wire = make.Wire()
    records = [
        wire.open(),
        wire.sent(make.create()),
        wire.got(make.created("resp_a")),
        wire.got(make.item_done(make.reasoning("rs_1", "Thinking"))),
        *wire.got_all(make.call_events("fc_1", "call_1", "get_weather", "{}", 1)),
        wire.got(make.completed("resp_a")),
    ]
    sessions, read_record = folded(records)
    replay = full_replay(sessions, turn_of(sessions, 1), read_record)
    assert kinds(replay.items) == ["message:user", "function_call"]
    assert "id" not in replay.items[1]
    assert replay.items[1]["call_id"] == "call_1"
    assert replay.is_complete
    assert "reasoning.encrypted_content" in replay.notes[0]
    assert replay.notes[1].startswith("1 call waits for an answer")


def test_items_of_the_final_response_serve_where_no_item_event_came() -> None:
    wire = make.Wire()
    records = [
        wire.open(),
        wire.sent(make.create()),
        wire.got(
            {
                "type": "response.done",
                "response": make.response("resp_a", "completed", output=[make.message("m", "Hi.")]),
            }
        ),
    ]
    sessions, read_record = folded(records)
    replay = full_replay(sessions, turn_of(sessions, 1), read_record)
    assert replay.items[1]["content"][0]["text"] == "Hi."


def test_keys_that_an_input_refuses_are_left_out() -> None:
    wire = make.Wire()
    body = {**make.message("m", "Hi."), "created_by": "user_1", "phase": None, "status": "completed"}
    picture = {"id": "ig", "type": "image_generation_call", "status": "failed", "result": None}
    records = [
        wire.open(),
        wire.sent(make.create()),
        wire.got(make.created("resp_a")),
        wire.got(make.item_done(body)),
        wire.got(make.item_done(picture, 1)),
        wire.got(make.completed("resp_a")),
    ]
    sessions, read_record = folded(records)
    replay = full_replay(sessions, turn_of(sessions, 1), read_record)
    assert set(replay.items[1]) == {"id", "type", "role", "status", "content"}
    assert replay.items[2] == picture


def test_a_beginning_that_nobody_saw_is_said() -> None:
    wire = make.Wire()
    records = [wire.open(), *wire.turn("resp_b", previous_response_id="resp_before")]
    sessions, read_record = folded(records)
    replay = full_replay(sessions, turn_of(sessions, 1), read_record)
    assert not replay.is_complete
    assert "resp_before" in replay.notes[0]
    assert len(replay.items) == 2


def test_what_was_cut_is_said() -> None:
    wire = make.Wire()
    records = [
        wire.open(),
        wire.sent(make.create()),
        wire.got(make.created("resp_a")),
        wire.got(make.item_added(make.message("m"))),
        wire.got(make.text_delta("m", "Half a")),
        wire.lost(),
    ]
    sessions, read_record = folded(records)
    replay = full_replay(sessions, turn_of(sessions, 1), read_record)
    assert not replay.is_complete
    assert kinds(replay.items) == ["message:user"]
    assert any("never finished" in note for note in replay.notes)


def test_a_conversation_kept_by_the_server_is_not_in_the_recording() -> None:
    wire = make.Wire()
    records = [wire.open(), *wire.turn("resp_a", conversation="conv_1")]
    sessions, read_record = folded(records)
    replay = full_replay(sessions, turn_of(sessions, 1), read_record)
    assert not replay.is_complete
    assert "`conversation`" in replay.notes[0]


def test_steers_stand_where_the_server_put_them() -> None:
    wire = make.Wire()
    steer = {"type": "response.steer.accepted", "steer": {"id": "s1", "previous_response_id": "resp_a"}}
    records = [
        wire.open(),
        wire.sent(make.create("Plan a trip.")),
        wire.got(make.created("resp_a")),
        wire.sent(make.steer("resp_a", "Two weeks.")),
        wire.got(steer),
        *wire.got_all(make.message_events("msg_a", "First draft.")),
        wire.got(make.incomplete("resp_a", "steered")),
        *wire.got_all(make.answer("resp_b", "Two weeks it is.", parent="resp_a")),
    ]
    sessions, read_record = folded(records)
    replay = full_replay(sessions, turn_of(sessions, 2), read_record)
    texts = [item["content"][0]["text"] for item in replay.items]
    assert texts == ["Plan a trip.", "First draft.", "Two weeks.", "Two weeks it is."]
    assert replay.is_complete


def test_a_nested_create_is_read_as_what_it_means() -> None:
    wire = make.Wire()
    records = [
        wire.open(),
        wire.sent({"type": "response.create", "response": {"model": "m", "input": "Nested?"}}),
        *wire.got_all(make.answer("resp_a")),
    ]
    sessions, read_record = folded(records)
    assert full_replay(sessions, turn_of(sessions, 1), read_record).items[0] == user_message("Nested?")


def test_a_create_that_cannot_be_read_is_none() -> None:
    wire = make.Wire()
    records = [wire.open(), *wire.turn("resp_a")]
    sessions, read_record = folded(records)
    turn = turn_of(sessions, 1)
    broken = records[1]._replace(payload=b"{", kind=Kind.TEXT)
    assert create_of(turn, lambda _: broken) is None
    assert create_of(turn, read_record) is not None
    assert not full_replay(sessions, turn, lambda n: broken if n == 1 else records[n]).is_complete


def test_sent_items_reads_every_form_of_input() -> None:
    assert sent_items({"input": "Hi"}) == (user_message("Hi"),)
    assert sent_items({"input": ""}) == ()
    assert sent_items({}) == ()
    assert sent_items({"input": [{"role": "user", "content": "Hi"}, "odd", 3]}) == (
        {"role": "user", "content": "Hi"},
    )
