"""Other spellings of the same facts, read as what they mean and named.

`read` turns an event of a dialect into the contract's words and says which spelling it met; the record keeps
what was really sent. Nothing here judges: a dialect is not a defect.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from sessions.contract import DELTAS, Family, family
from sessions.events import Event, Undecodable, decode, of_object

# Names of spellings, as faces show them. Sources: the llm-interactive-proxy page, xAI's, Codex's error
# frames, LiteLLM's nested create, captures of other gateways.
DONE_EVENT = "response.done"
PART_DELTA = "response.content_part.delta"
SHORT_DELTA = "response.delta"
OBJECT_DELTA = "object delta"
CHAT_USAGE = "chat usage"
UNTYPED_ERROR = "untyped error"
STRING_ERROR = "string error"
RESPONSE_ERROR = "response.error"
STATUS_CODE = "status_code"
DETAIL_ERROR = "detail error"
NESTED_CREATE = "nested create"
CHAT_TOOLS = "chat tools"
SSE_PREFIX = "data: prefix"
DONE_MARKER = "[DONE]"
WRAPPED = "wrapped event"


class Reading(NamedTuple):
    """An event in the contract's words and the spellings that were met on the way."""

    event: Event
    spellings: tuple[str, ...] = ()


def unwrap(payload: bytes) -> tuple[Event, str] | None:
    """An event sent as server-sent text inside a frame, or the end marker; None for anything else."""
    stripped = payload.strip()
    if stripped == b"[DONE]" or stripped == b"data: [DONE]":
        return Event("", {}), DONE_MARKER
    if stripped.startswith((b"data:", b"event:")):
        lines = [line[5:].strip() for line in stripped.split(b"\n") if line.startswith(b"data:")]
        event = decode(b"\n".join(lines))
        if not isinstance(event, Undecodable):
            return event, SSE_PREFIX
    return None


def read(event: Event) -> Reading:
    """A server event in the contract's words, with the names of the spellings that differ from it."""
    spellings: list[str] = []
    body = event.body
    event_type = event.type
    if event_type == "" and "error" in body:
        event, event_type = event._replace(type="error"), "error"
        spellings.append(UNTYPED_ERROR)
    elif event_type == "" and "detail" in body:
        event, event_type = event._replace(type="error"), "error"
        spellings.append(DETAIL_ERROR)
    elif event_type == "" and (inner := _wrapped(body)) is not None:
        return Reading(inner.event, (WRAPPED, *inner.spellings))
    elif event_type == "response.error":
        event, event_type = event._replace(type="error"), "error"
        spellings.append(RESPONSE_ERROR)
    elif event_type == "response.done":
        event = event._replace(type=_ending(body.get("response")))
        spellings.append(DONE_EVENT)
    elif event_type in ("response.content_part.delta", "response.delta"):
        event = event._replace(type="response.output_text.delta")
        spellings.append(PART_DELTA if event_type != "response.delta" else SHORT_DELTA)
    if event.type in DELTAS and event.type != "response.shell_call_output_content.delta":
        field = DELTAS[event.type].field
        if isinstance(piece := event.body.get(field), dict):
            event = event._replace(body={**event.body, field: _words(piece)})
            spellings.append(OBJECT_DELTA)
    if event.type == "error":
        if isinstance(body.get("error"), str):
            spellings.append(STRING_ERROR)
        if "status_code" in body and "status" not in body:
            spellings.append(STATUS_CODE)
    elif family(event.type) is Family.TERMINAL:
        usage = response_of(event).get("usage")
        if isinstance(usage, dict) and "prompt_tokens" in usage and "input_tokens" not in usage:
            spellings.append(CHAT_USAGE)
    return Reading(event, tuple(spellings))


def create_fields(body: Mapping[str, Any]) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """The fields of a `response.create`, flat or nested, and the spellings that were met."""
    spellings: list[str] = []
    fields = body
    nested = body.get("response")
    if isinstance(nested, dict) and nested:
        fields = {**nested, **({"stream_id": body["stream_id"]} if "stream_id" in body else {})}
        spellings.append(NESTED_CREATE)
    tools = fields.get("tools")
    if isinstance(tools, list) and any(is_chat_tool(tool) for tool in tools):
        spellings.append(CHAT_TOOLS)
    return fields, tuple(spellings)


def is_chat_tool(tool: object) -> bool:
    """Whether a tool is in the chat-completions form, its schema nested under `function`."""
    return (
        isinstance(tool, dict) and tool.get("type") == "function" and isinstance(tool.get("function"), dict)
    )


def flat_tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    """A chat-completions tool in the flat form of the Responses API; any other tool unchanged."""
    if not is_chat_tool(tool):
        return dict(tool)
    rest = {key: value for key, value in tool.items() if key not in ("type", "function")}
    return {"type": "function", **tool["function"], **rest}


def response_of(event: Event) -> Mapping[str, Any]:
    """The response object of a lifecycle or terminal event; empty when there is none."""
    response = event.body.get("response")
    return response if isinstance(response, dict) else {}


def _wrapped(body: Mapping[str, Any]) -> Reading | None:
    """The event that an object without a type carries under another key, also as text; None for none."""
    for value in body.values():
        if isinstance(value, str) and value.startswith("{"):
            found = decode(value.encode(errors="replace"))
        elif isinstance(value, dict):
            found = of_object(value)
        else:
            continue
        if isinstance(found, Undecodable) or not found.type:
            continue
        reading = read(found)
        if family(reading.event.type) not in (Family.UNKNOWN, Family.CLIENT):
            return reading
    return None


def _ending(response: object) -> str:
    status = response.get("status") if isinstance(response, dict) else None
    match status:
        case "failed":
            return "response.failed"
        case "incomplete":
            return "response.incomplete"
        case _:
            return "response.completed"


def _words(piece: Mapping[str, Any]) -> str:
    for key in ("content", "text", "value"):
        if isinstance(value := piece.get(key), str):
            return value
    return ""
