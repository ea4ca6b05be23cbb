"""Items and their parts: what an item object says is taken, and whether a call still waits."""

from __future__ import annotations

from typing import Any

import pytest

from sessions.contract import ANSWERS
from sessions.items import Item
from tests import make


def test_an_object_brings_type_ids_and_texts() -> None:
    item = Item("", 0)
    body = {
        "id": "msg_1",
        "type": "message",
        "status": "completed",
        "content": [
            {"type": "output_text", "text": "One."},
            {"type": "refusal", "refusal": "No."},
            {"type": "reasoning_text", "text": "Hm."},
        ],
        "summary": [{"type": "summary_text", "text": "Short."}],
    }
    assert item.read(body, 5, 100) is False
    assert (item.id, item.type, item.status) == ("msg_1", "message", "completed")
    assert [item.text(slot) for slot in ("output_text", "refusal", "reasoning_text", "summary_text")] == [
        "One.",
        "No.",
        "Hm.",
        "Short.",
    ]
    assert item.body == body


def test_a_large_object_is_left_to_its_record() -> None:
    item = Item("ig_1", 0)
    item.read({"type": "image_generation_call", "result": "A" * 100_000}, 5, 100_050)
    assert (item.type, item.body) == ("image_generation_call", {})


def test_parts_of_a_slot_stand_by_index() -> None:
    item = Item("rs_1", 0)
    for index in (2, 0, 1):
        item.part("summary_text", index).text.append(f"{index} ", 1)
    assert item.text("summary_text") == "0 1 2 "
    assert item.part("summary_text", 1) is item.part("summary_text", 1)


def test_deltas_are_not_overwritten_before_the_item_is_done() -> None:
    item = Item("fc_1", 0)
    item.part("arguments", 0).text.append('{"a"', 1)
    item.read(make.function_call("fc_1", "call_1", arguments='{"other"'), 2, 50)
    assert item.text("arguments") == '{"a"'
    item.done = 3
    assert item.read(make.function_call("fc_1", "call_1", arguments='{"a":1}'), 3, 50) is True
    assert item.text("arguments") == '{"a":1}'


@pytest.mark.parametrize("kind", ANSWERS)
def test_every_call_a_client_answers_is_pending(kind: str) -> None:
    item = Item("it_1", 0)
    item.read({"type": kind, "call_id": "call_1", "execution": "client"}, 1, 10)
    assert item.is_call
    assert item.is_pending
    assert item.answer_id == ("it_1" if kind == "mcp_approval_request" else "call_1")
    item.answered = 7
    assert not item.is_pending


@pytest.mark.parametrize(
    "body",
    [
        {"type": "web_search_call"},
        {"type": "mcp_call"},
        {"type": "message"},
        {"type": "tool_search_call", "execution": "server"},
        {"type": "tool_search_call"},
        {"type": "shell_call", "environment": {"type": "container_auto"}},
    ],
)
def test_what_the_server_runs_is_not_pending(body: dict[str, Any]) -> None:
    item = Item("it_1", 0)
    item.read(body, 1, 10)
    assert not item.is_pending


@pytest.mark.parametrize(
    "wrong", [None, 5, "x", [], ["x"], [None], [{}], {}, [{"type": []}], {"commands": [5]}]
)
def test_fields_of_the_wrong_kind_are_absent(wrong: object) -> None:
    item = Item("it_1", 0, "message")
    fields = ("type", "status", "call_id", "name", "content", "summary", "code", "action", "environment")
    item.read(dict.fromkeys(fields, wrong), 1, 10)
    assert item.text("output_text") == ""
    assert isinstance(item.type, str)
    assert item.is_pending is False
