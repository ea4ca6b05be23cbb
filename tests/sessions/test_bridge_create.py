"""Creates as clients spell them, and the bodies that they become."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sessions.wire.bridge_create import Create, http_body, read_create, warmed_up
from sessions.wire.bridge_memory import Kept
from sessions.wire.scenarios.problem import Problem


def read(**frame: Any) -> Create:
    create = read_create({"type": "response.create", **frame}, None, "")
    assert isinstance(create, Create)
    return create


def refused(**frame: Any) -> Problem:
    wrong = read_create({"type": "response.create", **frame}, None, "")
    assert isinstance(wrong, Problem)
    return wrong


def test_flat_and_nested_are_the_same() -> None:
    flat = read(model="m", input="Hi", store=False)
    nested = read(response={"model": "m", "input": "Hi", "store": False})
    assert flat == nested
    assert json.loads(http_body(flat, None)) == {"model": "m", "input": "Hi", "store": False, "stream": True}


def test_what_only_a_socket_knows_is_not_sent() -> None:
    frame = {"stream_id": "side", "generate": True, "background": False, "previous_response_id": "resp_1"}
    create = read(model="m", input=[], metadata={"a": "b"}, unheard_of=[1], **frame)
    body = json.loads(http_body(create, None))
    assert body == {"model": "m", "input": [], "metadata": {"a": "b"}, "unheard_of": [1], "stream": True}
    assert create.parent_id == "resp_1"
    assert create.is_stored  # the default on a socket, too


def test_the_chain_comes_before_what_is_new() -> None:
    parent = Kept("resp_1", None, None, ({"role": "user"},), ({"role": "assistant"},), False)
    body = json.loads(http_body(read(model="m", input="More"), parent))
    assert [item["role"] for item in body["input"]] == ["user", "assistant", "user"]
    assert body["input"][2]["content"] == [{"type": "input_text", "text": "More"}]
    assert len(json.loads(http_body(read(model="m"), parent))["input"]) == 2


def test_a_create_without_a_model_means_the_connections() -> None:
    create = read_create({"input": "Hi"}, None, "gpt-6-astra")
    assert isinstance(create, Create)
    assert create.fields["model"] == "gpt-6-astra"
    own = read_create({"model": "own"}, None, "gpt-6-astra")
    assert isinstance(own, Create)
    assert own.fields["model"] == "own"
    assert read(prompt={"id": "pmpt_1"}).fields.get("model") is None


@pytest.mark.parametrize(
    ("frame", "param"),
    [
        ({}, "model"),
        ({"model": 5}, "model"),
        ({"model": "m", "input": 5}, "input"),
        ({"model": "m", "input": ["Hi"]}, "input[0]"),
        ({"model": "m", "previous_response_id": 5}, "previous_response_id"),
        ({"model": "m", "previous_response_id": "a", "conversation": "b"}, "previous_response_id"),
        ({"model": "m", "generate": "no"}, "generate"),
        ({"model": "m", "store": 0.5}, "store"),
        ({"model": "m", "background": True}, "background"),
    ],
)
def test_what_cannot_be_bridged_is_a_400_that_names_it(frame: dict[str, Any], param: str) -> None:
    wrong = refused(**frame)
    assert (wrong.status, wrong.param) == (400, param)


@pytest.mark.parametrize("frame", [{"generate": False}, {"prompt_cache_options": {"prewarm": True}}])
def test_a_warm_up_costs_nothing(frame: dict[str, Any]) -> None:
    create = read(model="m", previous_response_id="resp_0", tools=[{"type": "function"}], **frame)
    assert not create.generate
    begun, ended = (event["response"] for event in warmed_up(create, "resp_1", 1_780_000_000))
    assert (begun["status"], ended["status"]) == ("in_progress", "completed")
    assert ended["output"] == []
    assert ended["usage"]["total_tokens"] == 0
    assert ended["previous_response_id"] == "resp_0"
    assert ended["tools"] == [{"type": "function"}]


def test_text_that_is_no_unicode_is_sent_as_it_can_be() -> None:
    body = http_body(read(model="m", input="\ud800"), None)
    assert json.loads(body)["input"] == "\ud800"
