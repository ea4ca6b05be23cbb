from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.lint import CREATE_KEYS, Problem, lint

GOOD: dict[str, Any] = {"type": "response.create", "model": "m", "input": "Hi"}


def of(**fields: Any) -> tuple[Problem, ...]:
    return lint(json.dumps({**GOOD, **fields}))


def only(found: tuple[Problem, ...]) -> Problem:
    assert len(found) == 1, found
    return found[0]


def test_a_good_frame_is_clean() -> None:
    assert of() == ()
    assert of(stream_id="plan.1", metadata={"a": "b"}, tools=[{"type": "function", "name": "f"}]) == ()
    assert lint('{"type":"response.steer","previous_response_id":"resp_a","input":"x"}') == ()


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("", 1, 1, "empty"),
        ('{"type":"response.create",}', 1, 27, "a comma before it is one too many"),
        ('{"type":"response.create",\n "model":\'x\'}', 2, 10, "double quotes, not single"),
        ('{"type":"response.create"', 1, 26, "the text ends here"),
        ('{"a":True}', 1, 6, "true, false and null"),
        ('{"a" "b"}', 1, 6, "a colon is missing"),
        ('{"a":1 "b":2}', 1, 8, "a comma is missing"),
        ('{"a":"x\ny"}', 1, 8, "write \\n for it"),
        ('{"a":"xy}', 1, 6, "no closing quote"),
        ('{"a":"\\q"}', 1, 7, "begins no escape"),
        ('{"a":1}\n}', 2, 1, "has ended before this"),
        ("{// note\n}", 1, 2, "no comments"),
        ("{\u201ca\u201d: 1}", 1, 2, "not typographic"),
        ('{"a": NaN}', 1, 7, "NaN is not a JSON number"),
        ("[1]", 1, 1, "one JSON object"),
        ('{"a":' * 20_000, 1, 1, "nested too deeply"),
    ],
)
def test_broken_json_is_pointed_out_by_line_and_column(text: str, line: int, column: int, words: str) -> None:
    problem = only(lint(text))
    assert (problem.severity, problem.line, problem.column) == ("error", line, column)
    assert words in problem.sentence


@pytest.mark.parametrize(
    ("fields", "severity", "path", "words"),
    [
        ({"stream_id": ""}, "error", "stream_id", "empty stream_id"),
        ({"stream_id": "a b"}, "error", "stream_id", "1 to 256"),
        ({"stream_id": 3}, "error", "stream_id", "has to be a text"),
        ({"modle": "x"}, "warning", "modle", "did you mean `model`"),
        ({"stream": True}, "warning", "stream", "belongs to HTTP"),
        ({"background": True}, "warning", "background", "belongs to HTTP"),
        ({"previous_response_id": "a", "conversation": "b"}, "error", "conversation", "exclude each other"),
        ({"store": "no"}, "error", "store", "true or false"),
        ({"model": 3}, "error", "model", "has to be a text"),
        ({"max_output_tokens": 0}, "error", "max_output_tokens", "above 0"),
        ({"max_output_tokens": 5}, "warning", "max_output_tokens", "fewer than 16"),
        ({"top_logprobs": 21}, "error", "top_logprobs", "0 to 20"),
        ({"safety_identifier": "x" * 65}, "error", "safety_identifier", "64"),
        ({"metadata": {str(n): "x" for n in range(17)}}, "error", "metadata", "16 are allowed"),
        ({"metadata": {"a": "x" * 513}}, "error", "metadata.a", "512"),
        ({"metadata": {"a": 1}}, "error", "metadata.a", "has to be a text"),
        ({"metadata": []}, "error", "metadata", "object of texts"),
        ({"input": 3}, "error", "input", "a text or a list"),
        ({"input": ["x"]}, "error", "input[0]", "an object"),
        ({"input": [{}]}, "error", "input[0]", "neither a type nor a role"),
        ({"input": [{"type": "function_call_output", "output": ""}]}, "error", "input[0]", "`call_id`"),
        ({"input": [{"type": "local_shell_call_output", "output": ""}]}, "error", "input[0]", "`id`"),
        (
            {"input": [{"type": "function_call_output", "call_id": "fc_1", "output": ""}]},
            "warning", "input[0].call_id", "looks like an item's id",
        ),
        ({"tools": {}}, "error", "tools", "a list"),
        ({"tools": [3]}, "error", "tools[0]", "an object"),
        ({"tools": [{"type": "function"}]}, "error", "tools[0]", "needs a name"),
        ({"tools": [{"type": "function", "function": {}}]}, "warning", "tools[0]", "chat-completions"),
        (
            {"tools": [{"type": "custom", "name": "f"}, {"type": "custom", "name": "f"}]},
            "warning", "tools[1].name", "Two tools",
        ),
        (
            {"tools": [{"type": "mcp", "server_label": "s", "authorization": "***"}]},
            "error", "tools[0]", "load the tools file again",
        ),
        (
            {"tools": [{"type": "mcp", "server_label": "s", "headers": {"x": "secret"}}]},
            "warning", "tools[0]", "the recording masks them",
        ),
        ({"tools": [], "tool_choice": {"name": "f"}}, "warning", "tool_choice", "No tool"),
        ({"text": {"format": {"type": "json_schema", "name": "n"}}}, "error", "text.format", "`schema`"),
    ],
)  # fmt: skip
def test_what_the_contract_says(fields: dict[str, Any], severity: str, path: str, words: str) -> None:
    problem = only(of(**fields))
    assert (problem.severity, problem.path) == (severity, path)
    assert words in problem.sentence


def test_a_problem_stands_at_its_key() -> None:
    text = '{\n  "type": "response.create",\n  "model": "m",\n  "tools": [\n    {"type": "function"}\n  ]\n}'
    problem = only(lint(text))
    assert (problem.line, problem.column) == (5, 5)


def test_errors_come_first() -> None:
    found = lint('{"type":"response.create","model":"m","stream":true,"stream_id":""}')
    assert [problem.severity for problem in found] == ["error", "warning"]


def test_types_that_no_client_sends() -> None:
    assert 'no "type"' in only(lint("{}")).sentence
    assert 'did you mean "response.create"' in only(lint('{"type":"response.craete"}')).sentence
    assert "has to be a text" in only(lint('{"type":3}')).sentence
    assert lint('{"type":"response.processed","response_id":"resp_a"}') == ()
    assert "response_id" in only(lint('{"type":"response.inject","input":[]}')).sentence


def test_no_model_is_a_warning() -> None:
    assert only(lint('{"type":"response.create","input":"Hi"}')).severity == "warning"
    assert lint('{"type":"response.create","prompt":{"id":"p"}}') == ()


def test_a_steer_with_a_lane_or_without_a_target() -> None:
    found = lint('{"type":"response.steer","stream_id":"a","input":"x","model":"m"}')
    assert {problem.path for problem in found} == {"stream_id", "previous_response_id", "model"}


def test_shapes() -> None:
    nested = '{"type":"response.create","response":{"model":"m","modle":1}}'
    found = lint(nested)
    assert {problem.path for problem in found} == {"response", "response.modle"}
    assert [problem.path for problem in lint(nested, shape="nested")] == ["response.modle"]
    assert "nested under" in only(lint(json.dumps(GOOD), shape="nested")).sentence
    beside = '{"type":"response.create","response":{"model":"m"},"store":false}'
    assert "may be ignored" in only(lint(beside, shape="nested")).sentence


def test_a_key_that_stands_twice() -> None:
    problem = only(lint('{"type":"response.create","model":"m","model":"n"}'))
    assert "stands twice" in problem.sentence
    assert problem.column == 39


def test_a_call_answered_twice() -> None:
    output = {"type": "function_call_output", "call_id": "call_1", "output": ""}
    assert "answered twice" in only(of(input=[output, output])).sentence


def test_large_frames_are_named_by_what_they_meet() -> None:
    assert "1009" in only(of(input="x" * (1 << 20))).sentence
    assert "16 MiB" in only(of(input="x" * (1 << 24))).sentence


@given(st.text(max_size=40))
def test_any_text_is_linted_without_raising(text: str) -> None:
    assert all(problem.line >= 1 and problem.column >= 1 for problem in lint(text))


WORD = st.none() | st.text(max_size=3)
NAMES = st.sampled_from(["type", "role", "name", "format", "headers", "function", "call_id", "schema"])
TYPES = st.sampled_from(["function", "mcp", "json_schema", "function_call_output"])
OBJECT = st.dictionaries(NAMES, WORD | TYPES | st.lists(WORD, max_size=2), max_size=4)
VALUE = WORD | st.booleans() | st.integers() | OBJECT | st.lists(WORD | OBJECT, max_size=3)


@given(st.dictionaries(st.sampled_from(sorted(CREATE_KEYS)), VALUE, max_size=6))
def test_any_create_is_linted_without_raising(fields: dict[str, Any]) -> None:
    for problem in lint(json.dumps({**fields, "type": "response.create"})):
        assert problem.sentence
