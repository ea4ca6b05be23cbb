"""Ids in messages: found where they stand, replaced, and nothing else touched."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given as holds_for
from hypothesis import strategies as some

from sessions.ids import given, named, rename_lane, rewrite

LONG = "resp_0123456789abcdef"


def test_ids_are_found_in_every_event_that_gives_them() -> None:
    item = {"id": "fc_1", "call_id": "call_1", "type": "function_call"}
    assert list(given({"type": "response.output_item.added", "item": item})) == ["fc_1", "call_1"]
    completed = {"type": "response.completed", "response": {"id": "resp_1", "output": [item, "odd"]}}
    assert list(given(completed)) == ["resp_1", "fc_1", "call_1"]
    assert list(given({"type": "response.output_text.done", "item_id": "msg_1"})) == ["msg_1"]
    assert list(given({"type": "response.steer.accepted", "steer": {"id": "steer_1"}})) == ["steer_1"]


def test_odd_bodies_give_none() -> None:
    odd: tuple[dict[str, Any], ...] = (
        {},
        {"response": 3},
        {"response": {"id": 3, "output": "x"}},
        {"item": [], "item_id": None},
    )
    assert [list(given(body)) for body in odd] == [[], [], [], []]


def test_an_id_is_replaced_and_the_spacing_stays() -> None:
    payload = b'{ "id" : "a", "previous_response_id":"a",  "text": "a", "n": [1,2] }'
    assert rewrite(payload, {"a": "b_2"}) == (
        b'{ "id" : "b_2", "previous_response_id":"b_2",  "text": "a", "n": [1,2] }'
    )


def test_a_long_id_is_replaced_in_a_sentence_and_only_as_a_whole() -> None:
    payload = json.dumps({"message": f"No '{LONG}'.\n{LONG} {LONG}x"}).encode()
    assert json.loads(rewrite(payload, {LONG: "resp_new"})) == {
        "message": f"No 'resp_new'.\nresp_new {LONG}x"
    }


def test_two_ids_may_change_places() -> None:
    payload = b'{"id":"a","call_id":"b"}'
    assert rewrite(payload, {"a": "b", "b": "a"}) == b'{"id":"b","call_id":"a"}'


def test_an_id_within_a_string_of_json_stays_unless_it_is_long() -> None:
    inner = json.dumps({"arguments": json.dumps({"id": "a", "call_id": LONG})}).encode()
    again = json.loads(json.loads(rewrite(inner, {"a": "z", LONG: "resp_new"}))["arguments"])
    assert again == {"id": "a", "call_id": "resp_new"}


def test_a_lane_is_renamed_where_it_stands() -> None:
    payload = b'{"stream_id": "plan","delta":"plan"}'
    assert rename_lane(payload, "plan", "p2") == b'{"stream_id": "p2","delta":"plan"}'
    assert rename_lane(payload, "other", "p2") == payload


def test_what_is_named_is_what_would_be_replaced() -> None:
    assert list(named(b'{"call_id":"c","x":"y","m":"see ' + LONG.encode() + b'"}')) == ["c", LONG]


@holds_for(some.binary(max_size=200))
def test_any_bytes_survive_a_rewriting_that_finds_nothing(payload: bytes) -> None:
    assert rewrite(payload, {"an id that is nowhere": "x"}) == payload


@holds_for(
    some.recursive(some.text() | some.integers() | some.none(), lambda one: some.lists(one), max_leaves=9)
)
def test_there_and_back_is_the_same(value: object) -> None:
    payload = json.dumps({"id": "old_1", "value": value, "item_id": LONG}).encode()
    there = rewrite(payload, {"old_1": "new_7654321", LONG: "other_123456789012345"})
    assert rewrite(there, {"new_7654321": "old_1", "other_123456789012345": LONG}) == payload
