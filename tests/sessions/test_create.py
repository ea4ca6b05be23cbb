from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sessions.create import Create, File, Image, answered_id, data_url, fields, from_fields, is_same

NUMBER = st.integers(-5, 5) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBER | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
PART = st.fixed_dictionaries(
    {"type": st.sampled_from(["input_text", "input_image", "input_file"])},
    optional={key: JSON for key in ("text", "image_url", "file_id", "detail", "filename", "file_data")},
)
ITEM = st.fixed_dictionaries(
    {"type": st.sampled_from(["message", "function_call_output", "mcp_approval_response"]) | JSON},
    optional={"role": st.sampled_from(["user", "assistant"]), "content": st.lists(PART, max_size=3) | JSON},
)
KNOWN = (
    "model instructions max_output_tokens store previous_response_id stream_id generate tool_choice tools "
    "include metadata reasoning text conversation temperature".split()
)
BODY = st.fixed_dictionaries(
    {"type": st.just("response.create")},
    optional={
        **{key: JSON for key in KNOWN},
        "input": st.text(max_size=5) | st.lists(ITEM, max_size=4) | JSON,
        "reasoning": st.dictionaries(st.sampled_from(["effort", "summary", "mode"]), JSON, max_size=3),
        "text": st.fixed_dictionaries(
            {},
            optional={
                "verbosity": JSON,
                "format": st.fixed_dictionaries(
                    {"type": st.sampled_from(["text", "json_object", "json_schema", "odd"])},
                    optional={"name": JSON, "schema": JSON, "strict": JSON},
                ),
            },
        ),
        "metadata": st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2) | JSON,
        "tools": st.lists(st.dictionaries(st.text(max_size=3), JSON, max_size=2), max_size=2) | JSON,
    },
)


@given(BODY)
def test_nothing_is_lost_and_nothing_added(body: dict[str, Any]) -> None:
    assert is_same(fields(from_fields(body)), body)


def test_a_prompt_alone_is_a_plain_string() -> None:
    assert fields(Create(text="Hi", model="m")) == {"type": "response.create", "model": "m", "input": "Hi"}


def test_keys_stand_in_reading_order() -> None:
    create = Create(
        text="Hi", model="m", lane="plan", parent="resp_a", store=False, instructions="Be terse.",
        tools=({"type": "function", "name": "f"},), effort="low", summary="auto", verbosity="low",
        max_output_tokens=64, include=("reasoning.encrypted_content",), metadata={"a": "b"},
        extra={"temperature": 0},
    )  # fmt: skip
    assert list(fields(create)) == [
        "type", "stream_id", "model", "previous_response_id", "store", "instructions", "input", "tools",
        "reasoning", "text", "max_output_tokens", "include", "metadata", "temperature",
    ]  # fmt: skip
    assert fields(create)["reasoning"] == {"effort": "low", "summary": "auto"}


def test_history_answers_and_prompt_stand_in_this_order() -> None:
    old = {"type": "message", "role": "user", "content": "Before"}
    output = {"type": "function_call_output", "call_id": "call_1", "output": "3"}
    create = Create(
        text="And?", history=(old,), answers=(output,), images=(Image(url="https://e.example/a.png"),)
    )
    assert fields(create)["input"] == [
        old,
        output,
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "And?"},
                {"type": "input_image", "detail": "auto", "image_url": "https://e.example/a.png"},
            ],
        },
    ]
    assert create.answered == ("call_1",)


def test_without_anything_to_say_the_input_is_empty_or_left_out() -> None:
    assert fields(Create(generate=False))["input"] == []
    assert "input" not in fields(Create(history=None))


def test_bytes_become_data_urls() -> None:
    assert data_url(b"abc", "image/png") == "data:image/png;base64,YWJj"
    image = Image.of_bytes(b"abc", "image/png", "cat.png", "low")
    assert image.part() == {"type": "input_image", "detail": "low", "image_url": "data:image/png;base64,YWJj"}
    file = File.of_bytes(b"abc", "application/pdf", "a.pdf")
    assert file.part() == {
        "type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,YWJj",
    }  # fmt: skip
    assert Image(file_id="file_1").part()["file_id"] == "file_1"
    assert File(url="https://e.example/a.pdf").part()["file_url"] == "https://e.example/a.pdf"


def test_a_schema_is_sent_with_its_name() -> None:
    create = Create(
        text_format="json_schema", schema_name="point", json_schema={"type": "object"}, is_schema_strict=True
    )
    assert fields(create)["text"] == {
        "format": {"type": "json_schema", "name": "point", "strict": True, "schema": {"type": "object"}}
    }
    assert fields(Create(text_format="json_object"))["text"] == {"format": {"type": "json_object"}}


def test_a_field_of_its_own_wins_over_extra_and_objects_are_merged() -> None:
    create = Create(
        model="m", effort="low", extra={"model": "other", "reasoning": {"effort": "high", "mode": "pro"}}
    )
    assert fields(create)["model"] == "m"
    assert fields(create)["reasoning"] == {"effort": "low", "mode": "pro"}


def test_a_create_is_frozen_and_knows_its_fields() -> None:
    create = Create(text="Hi")
    with pytest.raises(ValidationError):
        create.text = "Ho"
    with pytest.raises(ValidationError):
        Create.model_validate({"prompt": "Hi"})
    with pytest.raises(ValidationError):
        Create(max_output_tokens=0)


def test_store_is_on_when_nothing_is_said() -> None:
    assert Create().is_stored
    assert not Create(store=False).is_stored
    assert "store" not in fields(Create())


def test_a_message_of_the_usual_form_becomes_editable_words() -> None:
    image = {"type": "input_image", "detail": "high", "image_url": "https://e.example/a.png"}
    content = [{"type": "input_text", "text": "What is it?"}, image]
    output = {"type": "function_call_output", "call_id": "call_1", "output": "3"}
    create = from_fields(
        {
            "type": "response.create",
            "input": [output, {"type": "message", "role": "user", "content": content}],
        }
    )
    assert create.text == "What is it?"
    assert create.images == (Image(url="https://e.example/a.png", detail="high"),)
    assert create.answered == ("call_1",)
    assert create.history == ()


def test_the_id_that_an_answer_names() -> None:
    assert answered_id({"approval_request_id": "mcpr_1"}) == "mcpr_1"
    assert answered_id({"id": "lsh_1"}) == "lsh_1"
    assert answered_id({}) == ""


def test_json_tells_true_from_one() -> None:
    assert not is_same(True, 1)
    assert not is_same(1, 1.0)
    assert is_same({"a": 1, "b": 2}, json.loads('{"b": 2, "a": 1}'))
