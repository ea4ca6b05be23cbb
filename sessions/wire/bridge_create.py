"""A `response.create` as the bridge reads it, and the HTTP body that it becomes.

Its one rule: the upstream judges the fields, the bridge only those that HTTP has no word for: lane, warm-up,
parent. What is not understood goes on as it came.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from sessions.context import sent_items
from sessions.wire.bridge_memory import Item, Kept
from sessions.wire.scenarios import problem
from sessions.wire.scenarios.problem import Problem
from sessions.wire.scenarios.request import SOCKET_KEYS, flat
from sessions.wire.scenarios.units import encode

_NEVER_SENT = frozenset((*SOCKET_KEYS, "previous_response_id", "background"))


class Create(NamedTuple):
    """What a client asks for."""

    fields: Mapping[str, Any]  #: flat; with the model, however it was named
    lane: str | None
    parent_id: str | None
    generate: bool
    is_stored: bool

    @property
    def items(self) -> tuple[Item, ...]:
        """Its own input."""
        return sent_items(self.fields)


def read_create(frame: Mapping[str, Any], lane: str | None, model: str) -> Create | Problem:
    """The create in a frame, flat or nested; `model` is what a create without one means."""
    fields = flat(frame)
    if not fields.get("model") and model:
        fields["model"] = model
    if not isinstance(fields.get("model", ""), str):
        return problem.wrong_type("model", "a string")
    if not fields.get("model") and not fields.get("prompt"):
        return problem.missing("model")
    parent_id = fields.get("previous_response_id")
    if parent_id is not None and not isinstance(parent_id, str):
        return problem.wrong_type("previous_response_id", "a string")
    wrong = _wrong_here(fields)
    return wrong or Create(
        fields, lane, parent_id or None, _generates(fields), fields.get("store") is not False
    )


def _wrong_here(fields: Mapping[str, Any]) -> Problem | None:
    for name in ("generate", "store", "background"):
        if not isinstance(fields.get(name), bool | None):
            return problem.wrong_type(name, "a boolean")
    if fields.get("background"):
        said = "'background' is not supported over WebSocket."
        return Problem(400, "unsupported_parameter", said, "background")
    if fields.get("previous_response_id") and fields.get("conversation"):
        said = "Give either 'previous_response_id' or 'conversation', not both."
        return Problem(400, "mutually_exclusive_parameters", said, "previous_response_id")
    given = fields.get("input")
    if not isinstance(given, str | list | None):
        return problem.wrong_type("input", "a string or a list of items")
    for place, item in enumerate(given if isinstance(given, list) else ()):
        if not isinstance(item, dict):
            return problem.wrong_type(f"input[{place}]", "an object")
    return None


def _generates(fields: Mapping[str, Any]) -> bool:
    prewarm = fields.get("prompt_cache_options")
    if isinstance(prewarm, dict) and prewarm.get("prewarm") is True:
        return False
    return fields.get("generate") is not False


def http_body(create: Create, parent: Kept | None) -> bytes:
    """The body of the POST: the whole chain as its input, and a stream for an answer."""
    fields = {name: value for name, value in create.fields.items() if name not in _NEVER_SENT}
    if parent is not None:
        fields["input"] = [*parent.items(), *create.items]
    fields["stream"] = True
    return encode(fields)


def resource(create: Create, response_id: str, created_at: int, status: str) -> dict[str, Any]:
    """A response object of the bridge's own, with every key that the API reference lists."""
    given = create.fields.get
    return {
        "id": response_id,
        "object": "response",
        "created_at": created_at,
        "completed_at": created_at if status == "completed" else None,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": given("instructions"),
        "max_output_tokens": given("max_output_tokens"),
        "max_tool_calls": given("max_tool_calls"),
        "model": given("model"),
        "output": [],
        "parallel_tool_calls": given("parallel_tool_calls", True),
        "previous_response_id": create.parent_id,
        "prompt_cache_key": given("prompt_cache_key"),
        "reasoning": given("reasoning") or {"effort": None, "summary": None},
        "safety_identifier": given("safety_identifier"),
        "service_tier": given("service_tier", "default"),
        "store": create.is_stored,
        "temperature": given("temperature", 1.0),
        "text": given("text") or {"format": {"type": "text"}},
        "tool_choice": given("tool_choice", "auto"),
        "tools": given("tools") or [],
        "top_logprobs": given("top_logprobs", 0),
        "top_p": given("top_p", 1.0),
        "truncation": given("truncation", "disabled"),
        "usage": None,
        "user": given("user"),
        "metadata": given("metadata") or {},
    }


def warmed_up(create: Create, response_id: str, created_at: int) -> list[dict[str, Any]]:
    """The answer to a warm-up: nothing is asked upstream, no token is spent, the id can be gone on from."""
    begun = resource(create, response_id, created_at, "in_progress")
    usage = {
        "input_tokens": 0,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 0,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 0,
    }
    ended = resource(create, response_id, created_at, "completed") | {"usage": usage}
    return [
        {"type": "response.created", "sequence_number": 0, "response": begun},
        {"type": "response.completed", "sequence_number": 1, "response": ended},
    ]
