from __future__ import annotations

import json
from typing import Any

import pytest

from sessions.errors import SettingsError
from sessions.tools import label, load, tool_named, unmasked

SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}}
FLAT = {"type": "function", "name": "read_file", "description": "Read a file.", "parameters": SCHEMA}
CHAT = {
    "type": "function",
    "function": {"name": "read_file", "description": "Read a file.", "parameters": SCHEMA},
}


@pytest.mark.parametrize("wrapped", [[FLAT], {"tools": [FLAT]}, FLAT])
def test_the_flat_form_goes_out_as_it_was_written(wrapped: Any) -> None:
    found = load(json.dumps(wrapped))
    assert found.tools == (FLAT,)
    assert (found.converted, found.notes) == ((), ())


def test_the_chat_form_is_converted_and_said_so() -> None:
    found = load(json.dumps([{**CHAT, "strict": True}, {"type": "web_search"}]))
    assert found.tools == ({**FLAT, "strict": True}, {"type": "web_search"})
    assert len(found.converted) == 1
    assert found.converted[0].startswith("read_file was in the chat-completions form")


def test_a_byte_order_mark_is_no_mistake() -> None:
    assert load("\ufeff[]").tools == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[\n {"type": "function",}\n]', "tools.json:2: not JSON"),
        ("3", "a list of tools"),
        ('{"tool": []}', "a list of tools"),
        ("[3]", "tool 1 is not an object"),
        ('[{"name": "x"}]', 'tool 1 has no "type"'),
        ('[{"type": "web_search"}, {"type": "function"}]', 'tool 2, a function tool, has no "name"'),
        ('[{"type": "function", "function": {}}]', 'has no "name"'),
        ("[" * 50_000, "nested too deeply"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(text, "tools.json")
    assert words in str(caught.value)
    assert "tools.json" in str(caught.value)


def test_two_tools_of_one_name_are_refused() -> None:
    with pytest.raises(SettingsError, match="tools 1 and 3 are both called read_file"):
        load(json.dumps([FLAT, {"type": "web_search"}, CHAT]))


def test_a_function_without_parameters_is_noted() -> None:
    assert "no parameters" in load('[{"type": "function", "name": "now"}]').notes[0]


def test_namespaces_are_kept_and_searched() -> None:
    space = {"type": "namespace", "name": "files", "tools": [FLAT]}
    found = load(json.dumps([space])).tools
    assert found == (space,)
    assert tool_named(found, "read_file") == FLAT
    assert tool_named(found, "read_file", "files") == FLAT
    assert tool_named(found, "read_file", "other") is None
    assert tool_named(found, "write_file") is None
    assert tool_named([FLAT], "read_file") == FLAT


def test_masked_credentials_are_taken_from_the_loaded_tools() -> None:
    recorded = (
        {
            "type": "mcp",
            "server_label": "docs",
            "authorization": "***",
            "headers": {"x-key": "***", "x-a": "b"},
        },
        {"type": "mcp", "server_label": "other", "authorization": "***"},
        FLAT,
    )
    loaded = (
        {"type": "mcp", "server_label": "docs", "authorization": "secret", "headers": {"x-key": "k"}},
        FLAT,
    )
    found = unmasked(recorded, loaded)
    assert found[0] == {
        "type": "mcp",
        "server_label": "docs",
        "authorization": "secret",
        "headers": {"x-key": "k", "x-a": "b"},
    }
    assert found[1:] == recorded[1:]


def test_the_label_of_a_tool() -> None:
    assert label(FLAT) == "read_file"
    assert label({"type": "mcp", "server_label": "docs"}) == "docs"
    assert label({"type": "web_search"}) == ""
