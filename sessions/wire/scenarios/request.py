"""A `response.create`, or the body of a POST, as the fake server understands it.

Its one rule: whatever a client sends becomes a `Create` or a `Problem`; nothing is raised. What is not
understood is kept in `body` and echoed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from sessions.contract import (
    LANE_PATTERN,
    METADATA_KEY,
    METADATA_PAIRS,
    METADATA_VALUE,
)
from sessions.wire.scenarios import problem
from sessions.wire.scenarios.problem import Problem

Item: TypeAlias = Mapping[str, Any]

_LANE = re.compile(LANE_PATTERN)
#: keys that exist on a socket only; HTTP answers 400
SOCKET_KEYS = ("type", "stream_id", "generate")


class Create(NamedTuple):
    """What a client asks for."""

    body: Mapping[str, Any]  #: flat, without `type` and `stream_id`
    lane: str | None
    model: str
    input: tuple[Item, ...]
    parent_id: str | None
    generate: bool
    store: bool
    tools: tuple[Item, ...]

    def is_included(self, name: str) -> bool:
        """Whether the client asked for this extra through `include`."""
        include = self.body.get("include")
        return isinstance(include, list) and name in include

    @property
    def instructions(self) -> str:
        """The instructions as text, "" when there are none."""
        value = self.body.get("instructions")
        return value if isinstance(value, str) else ""

    @property
    def pads_deltas(self) -> bool:
        """Whether delta events carry `obfuscation`."""
        options = self.body.get("stream_options")
        return not (isinstance(options, dict) and options.get("include_obfuscation") is False)

    @property
    def output_limit(self) -> int | None:
        """Most tokens of output, None without a limit."""
        value = self.body.get("max_output_tokens")
        return value if isinstance(value, int) and not isinstance(value, bool) else None


def lane_of(frame: Mapping[str, Any]) -> str | Problem | None:
    """The lane that a frame names; a Problem when the name breaks the pattern."""
    if "stream_id" not in frame or frame["stream_id"] is None:
        return None
    name = frame["stream_id"]
    if not isinstance(name, str) or not _LANE.fullmatch(name):
        return problem.invalid_lane()
    return name


def flat(frame: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a create: those under `response` when it is an object, else the frame's own."""
    nested = frame.get("response")
    if isinstance(nested, dict) and nested:
        return dict(nested)
    return {key: value for key, value in frame.items() if key not in ("type", "stream_id")}


def read_create(
    body: Mapping[str, Any], lane: str | None, *, store: bool, model: str | None = None
) -> Create | Problem:
    """The create in a flat body; `store` is what an absent one means, `model` overrides the body's."""
    name = model if model is not None else body.get("model")
    if name is None and body.get("prompt") is None:
        return problem.missing("model")
    if name is not None and not isinstance(name, str):
        return problem.wrong_type("model", "a string")
    items = _input(body.get("input", []))
    if isinstance(items, Problem):
        return items
    tools = body.get("tools") or []
    if not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in tools):
        return problem.wrong_type("tools", "a list of objects")
    parent_id = body.get("previous_response_id")
    if parent_id is not None and not isinstance(parent_id, str):
        return problem.wrong_type("previous_response_id", "a string")
    wrong = _wrong_setting(body)
    if wrong is not None:
        return wrong
    stored = body.get("store")
    prewarm = body.get("prompt_cache_options")
    generate = body.get("generate", True) is not False
    if isinstance(prewarm, dict) and prewarm.get("prewarm") is True:
        generate = False
    return Create(
        {key: value for key, value in body.items() if key != "type"},
        lane,
        name or "prompt",
        items,
        parent_id or None,
        generate,
        store if stored is None else bool(stored),
        tuple(tools),
    )


def flat_tools(tools: Sequence[Item]) -> Problem | None:
    """The Problem of a function tool in the chat-completions form, which has its name one level deeper."""
    for index, tool in enumerate(tools):
        if tool.get("type") == "function" and not isinstance(tool.get("name"), str):
            return problem.missing(f"tools[{index}].name")
    return None


def named_tools(tools: Sequence[Item]) -> tuple[Item, ...]:
    """The tools in flat form, whichever form they came in."""
    flattened = []
    for tool in tools:
        nested = tool.get("function")
        if tool.get("type") == "function" and "name" not in tool and isinstance(nested, dict):
            tool = {"type": "function", **nested}
        flattened.append(tool)
    return tuple(flattened)


def _input(value: Any) -> tuple[Item, ...] | Problem:
    if value is None:
        return ()
    if isinstance(value, str):
        content = [{"type": "input_text", "text": value}]
        return ({"type": "message", "role": "user", "content": content},)
    if not isinstance(value, list):
        return problem.wrong_type("input", "a string or a list of items")
    items: list[Item] = []
    for index, item in enumerate(value):
        if not isinstance(item, dict):
            return problem.wrong_type(f"input[{index}]", "an object")
        if "type" not in item:
            if "role" not in item:
                return problem.missing(f"input[{index}].type")
            item = {"type": "message", **item}
        if not isinstance(item["type"], str):
            return problem.wrong_type(f"input[{index}].type", "a string")
        if isinstance(item.get("content"), str):
            kind = "output_text" if item.get("role") == "assistant" else "input_text"
            item = {**item, "content": [{"type": kind, "text": item["content"]}]}
        items.append(item)
    return tuple(items)


def _wrong_setting(body: Mapping[str, Any]) -> Problem | None:
    if body.get("previous_response_id") is not None and body.get("conversation") is not None:
        return Problem(
            400,
            "mutually_exclusive_parameters",
            "Give either 'previous_response_id' or 'conversation', not both.",
            "previous_response_id",
        )
    if body.get("background"):
        return Problem(400, "unsupported_parameter", "'background' is not supported here.", "background")
    limit = body.get("max_output_tokens")
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        return problem.wrong_value("max_output_tokens", "it must be a positive integer")
    top = body.get("top_logprobs")
    if top is not None and (not isinstance(top, int) or not 0 <= top <= 20):
        return problem.wrong_value("top_logprobs", "it must be an integer from 0 to 20")
    generate = body.get("generate")
    if generate is not None and not isinstance(generate, bool):
        return problem.wrong_type("generate", "a boolean")
    stored = body.get("store")
    if stored is not None and not isinstance(stored, bool):
        return problem.wrong_type("store", "a boolean")
    return _wrong_metadata(body.get("metadata"))


def _wrong_metadata(value: Any) -> Problem | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        return problem.wrong_type("metadata", "an object")
    if len(value) > METADATA_PAIRS:
        return problem.wrong_value("metadata", f"more than {METADATA_PAIRS} pairs")
    for key, text in value.items():
        if not isinstance(text, str):
            return problem.wrong_type(f"metadata.{key[:METADATA_KEY]}", "a string")
        if len(key) > METADATA_KEY or len(text) > METADATA_VALUE:
            return problem.wrong_value(
                "metadata", f"keys have at most {METADATA_KEY} and values {METADATA_VALUE} characters"
            )
    return None


def text_of(item: Item) -> str:
    """The text of a message or of a tool's output, "" when it has none."""
    content = item.get("content", item.get("output"))
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = [part.get("text") or part.get("refusal") for part in content if isinstance(part, dict)]
    return "".join(part for part in parts if isinstance(part, str))
