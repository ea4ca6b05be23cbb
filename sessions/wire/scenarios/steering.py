"""`response.steer`: what is wrong with it, and what it adds to a running response.

Its one rule: the rules of the steering guide; the target decides the lane.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sessions.contract import ANSWERS
from sessions.wire.scenarios.memory import Kept
from sessions.wire.scenarios.problem import Problem
from sessions.wire.scenarios.request import Item, read_create
from sessions.wire.scenarios.turn import Turn
from sessions.wire.scenarios.units import Event

#: more accepted inputs than this do not wait for one response
MAX_PENDING = 8
_KEYS = {"type", "previous_response_id", "input"}


def steering_input(frame: Mapping[str, Any]) -> tuple[Item, ...] | Problem:
    """The user messages of a steer, or what is wrong with them."""
    extra = sorted(set(frame) - _KEYS)
    if extra:
        return _wrong("invalid_input", f"response.steer takes no '{extra[0]}'.")
    value = frame.get("input")
    if not isinstance(value, str | list) or not value:
        return _wrong("invalid_input", "input must be a text or a list of user messages, and not empty.")
    read = read_create({"model": "any", "input": value}, None, store=False)
    if isinstance(read, Problem):
        return read._replace(code="invalid_input")
    if not all(item.get("type") == "message" and item.get("role") == "user" for item in read.input):
        return _wrong("invalid_input", "input may hold user messages only.")
    return read.input


def unsteerable(turn: Turn) -> Problem | None:
    """Why this running response takes no steering, None when it does."""
    body = turn.create.body
    if not turn.create.model.startswith("gpt-6") and not turn.create.model.startswith("prompt"):
        return _wrong("steering_not_supported", f"{turn.create.model} does not take steering.")
    if body.get("conversation") is not None or body.get("context_management") is not None:
        return _wrong("steering_not_supported", "Conversations and automatic compaction exclude steering.")
    if len(turn.steers) >= MAX_PENDING:
        return _wrong("too_many_pending_steers", f"{MAX_PENDING} inputs wait already.")
    return None


def failed(frame: Mapping[str, Any], wrong: Problem) -> Event:
    """The event that gives the input back."""
    return {
        "type": "response.steer.failed",
        "steer": {
            "previous_response_id": frame.get("previous_response_id"),
            "input": frame.get("input"),
        },
        "error": {"type": wrong.type, "code": wrong.code, "message": wrong.message},
    }


def not_running(target: str, is_known: bool) -> Problem:
    """The target has ended, or was never here."""
    if is_known:
        return _wrong("response_already_completed", f"Response '{target}' is over.")
    return _wrong("response_not_found", f"No response '{target}' on this connection.")


def pending(turn: Turn, kept: Kept, steer_id: str) -> Event:
    """The event that says which outputs an accepted input waits for."""
    required = []
    for call in kept.open_calls():
        kind = str(call.get("type"))
        stub: dict[str, Any] = {"type": ANSWERS[kind]}
        if kind == "mcp_approval_request":
            stub["approval_request_id"] = call.get("id")
        else:
            stub["call_id"] = call.get("call_id")
        if kind == "function_call":
            stub["name"] = call.get("name")
        if kind == "tool_search_call":
            stub["execution"] = "client"
        required.append(stub)
    return turn.event(
        "response.steer.pending",
        steer={"id": steer_id, "previous_response_id": turn.id},
        reason="waiting_for_required_input",
        required_input=required,
    )


def _wrong(code: str, message: str) -> Problem:
    return Problem(400, code, message)
