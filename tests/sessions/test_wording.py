"""What items say in words: every shape of input and output, and nothing dropped."""

from __future__ import annotations

from typing import Any

import pytest

from sessions.items import Item
from sessions.wording import (
    Role,
    asked,
    compact,
    content_text,
    footnote,
    output_text,
    results_of,
    role_of,
    size_words,
    title_of,
)


def item(item_type: str, body: dict[str, Any] | None = None, *, done: bool = True) -> Item:
    made = Item("it_1", 0, item_type)
    made.done = 5 if done else -1
    if body:
        made.read({"type": item_type, **body}, 5, 100)
    return made


def test_a_string_is_what_you_said() -> None:
    assert [(one.role, one.text) for one in asked({"input": "Hi"})] == [(Role.YOU, "Hi")]


def test_no_input_says_nothing() -> None:
    assert asked({}) == ()
    assert asked({"input": ""}) == ()
    assert asked({"input": 7}) == ()


def test_roles_of_messages_are_told_apart() -> None:
    said = asked(
        {
            "input": [
                {"role": "user", "content": "u"},
                {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "d"}]},
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]},
            ]
        }
    )
    assert [one.role for one in said] == [Role.YOU, Role.SYSTEM, Role.EARLIER]
    assert [one.text for one in said] == ["u", "d", "a"]


def test_answers_name_their_call() -> None:
    (said,) = asked({"input": [{"type": "function_call_output", "call_id": "call_1", "output": "15"}]})
    assert (said.role, said.text, said.note) == (Role.REPLY, "15", "call_1")


def test_an_approval_says_its_verdict() -> None:
    response = {
        "type": "mcp_approval_response",
        "approval_request_id": "mcpr_1",
        "approve": False,
        "reason": "no",
    }
    (said,) = asked({"input": [response]})
    assert (said.title, said.text, said.note) == ("denied", "no", "mcpr_1")


@pytest.mark.parametrize("odd", [7, None, "text", [], {"x": 1}, {"type": "brand_new", "field": [1]}])
def test_an_odd_input_item_is_kept(odd: Any) -> None:
    (said,) = asked({"input": [odd]})
    assert said.text == compact(odd)


def test_inline_images_are_told_by_kind_and_size() -> None:
    part = {"type": "input_image", "image_url": "data:image/png;base64," + "A" * 40_000}
    assert content_text([part]) == "[image image/png, 30.0 kB inline]"


def test_files_are_told_by_name() -> None:
    part = {"type": "input_file", "filename": "a.pdf", "file_id": "file-1"}
    assert content_text([part]) == "[file a.pdf file-1]"


def test_shell_outputs_are_joined_with_their_exit_code() -> None:
    output = [{"stdout": "hi\n", "stderr": "", "outcome": {"type": "exit", "exit_code": 2}}]
    assert output_text({"output": output}) == "hi\nexit 2"


@pytest.mark.parametrize(
    ("item_type", "body", "title"),
    [
        ("function_call", {"name": "get_plan"}, "get_plan"),
        ("function_call", {}, "(no name yet)"),
        ("web_search_call", {"action": {"type": "search", "query": "vendors"}}, "web search vendors"),
        (
            "web_search_call",
            {"action": {"type": "open_page", "url": "https://a.example"}},
            "open https://a.example",
        ),
        ("file_search_call", {"queries": ["a", "b"]}, "file search a; b"),
        ("local_shell_call", {"action": {"command": ["ls", "-l"]}}, "ls -l"),
        ("apply_patch_call", {"operation": {"type": "update_file", "path": "a.py"}}, "update_file a.py"),
        ("mcp_call", {"server_label": "jira", "name": "find"}, "jira.find"),
        (
            "mcp_approval_request",
            {"server_label": "jira", "name": "find"},
            "jira.find waits for your approval",
        ),
        ("computer_call", {"action": {"type": "click", "x": 3, "y": 4}}, "computer: click 3 4"),
        ("compaction", {}, "context compacted"),
        ("brand_new_call", {"x": 1}, "brand_new_call"),
        ("message", {}, ""),
    ],
)
def test_titles(item_type: str, body: dict[str, Any], title: str) -> None:
    assert title_of(item(item_type, body), body) == title


@pytest.mark.parametrize(
    ("item_type", "body", "results"),
    [
        ("mcp_list_tools", {"tools": [{"name": "a"}, {"name": "b"}]}, "a, b"),
        ("mcp_call", {"output": None, "error": {"message": "down"}}, "error: down"),
        ("mcp_call", {"output": "fine"}, "fine"),
        ("code_interpreter_call", {"outputs": [{"type": "logs", "logs": "42"}]}, "42"),
        ("file_search_call", {"results": [{"filename": "a.md", "score": 0.5}]}, "a.md 0.5"),
        ("image_generation_call", {"result": "A" * 4_000, "size": "1024x1024"}, "3.0 kB 1024x1024"),
        ("apply_patch_call", {"operation": {"diff": "+x"}}, "+x"),
        ("function_call_output", {"output": "15"}, "15"),
        ("compaction", {"encrypted_content": "A" * 10}, "encrypted, 10 B"),
        ("message", {"content": []}, ""),
    ],
)
def test_results(item_type: str, body: dict[str, Any], results: str) -> None:
    assert results_of(item(item_type), body) == results


def test_an_unknown_item_shows_its_json() -> None:
    assert results_of(item("brand_new_call"), {"x": [1]}) == '{"x": [1]}'
    assert role_of("brand_new_call") is Role.ITEM
    assert role_of("brand_new_output") is Role.REPLY


def test_long_json_is_cut_and_says_its_size() -> None:
    text = compact("x" * 10_000)
    assert len(text) < 5_000
    assert text.endswith("(10.0 kB)")


def test_deep_json_does_not_raise() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert compact(deep) == "(too deep to show here)"
    while deep:  # taken apart by hand: freeing it whole would recurse too
        deep = deep[0]


def test_footnotes_name_their_target() -> None:
    assert (
        footnote({"type": "url_citation", "title": "A", "url": "https://a.example"}) == "A https://a.example"
    )
    assert footnote({"type": "file_citation", "filename": "a.md"}) == "a.md"
    assert footnote({}) == "annotation"


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (123_456, "123 kB"), (5e9, "5000 MB")]
)
def test_sizes(count: int, words: str) -> None:
    assert size_words(count) == words
