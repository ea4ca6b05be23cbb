"""Tools from a JSON file, in the flat form of the Responses API; and tools found again by name.

Its one rule: a tool goes out as it was written, except for the chat-completions form, which is converted and
said so. It reads text, not files, and runs nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sessions.dialects import flat_tool, is_chat_tool
from sessions.errors import SettingsError
from sessions.redact import MASK


class Tools(NamedTuple):
    """The tools of a file, and what was done to them, in sentences."""

    tools: tuple[dict[str, Any], ...]
    converted: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def load(text: str, name: str = "tools file") -> Tools:
    """The tools in a JSON text: a list, an object with `tools`, or one tool.

    Raises SettingsError with line and column for text that is not JSON, and with the tool's place in the
    list for what is no tool or is there twice.
    """
    try:
        found = json.loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        raise SettingsError(
            f"not JSON: {error.msg} at column {error.colno}", file=name, line=error.lineno
        ) from None
    except RecursionError:
        raise SettingsError("nested too deeply to be read", file=name) from None
    if isinstance(found, dict) and isinstance(found.get("tools"), list):
        found = found["tools"]
    elif isinstance(found, dict) and "type" in found:
        found = [found]
    if not isinstance(found, list):
        raise SettingsError('a list of tools, or an object with "tools", belongs here', file=name)
    tools: list[dict[str, Any]] = []
    converted: list[str] = []
    notes: list[str] = []
    seen: dict[str, int] = {}
    for number, tool in enumerate(found, 1):
        if is_chat_tool(tool):
            tool = flat_tool(tool)
            said = tool.get("name")
            converted.append(
                f"{said if isinstance(said, str) else f'tool {number}'} was in the chat-completions form; "
                "its name, description and parameters now stand beside `type`."
            )
        label = _checked(tool, number, name)
        if label in seen:
            raise SettingsError(f"tools {seen[label]} and {number} are both called {label}", file=name)
        if label:
            seen[label] = number
        if tool["type"] == "function" and not isinstance(tool.get("parameters"), dict):
            notes.append(f"{label} has no parameters: the model can only call it without arguments.")
        tools.append(tool)
    return Tools(tuple(tools), tuple(converted), tuple(notes))


def tool_named(tools: Iterable[Mapping[str, Any]], name: str, namespace: str = "") -> dict[str, Any] | None:
    """The tool of this name, inside a namespace where one is given; None when there is none."""
    for tool in tools:
        nested = tool.get("tools")
        if tool.get("type") == "namespace" and isinstance(nested, list):
            if namespace in ("", tool.get("name")):
                found = tool_named((one for one in nested if isinstance(one, Mapping)), name)
                if found is not None:
                    return found
        elif not namespace and tool.get("name") == name:
            return dict(tool)
    return None


def unmasked(
    tools: Iterable[Mapping[str, Any]], loaded: Iterable[Mapping[str, Any]]
) -> tuple[dict[str, Any], ...]:
    """Tools of a recorded create with the MCP credentials that the recording masks taken from loaded ones."""
    fresh = {label(tool): tool for tool in loaded if tool.get("type") == "mcp"}
    out: list[dict[str, Any]] = []
    for tool in tools:
        known = fresh.get(label(tool)) if tool.get("type") == "mcp" else None
        out.append(dict(tool) if known is None else _with_credentials(tool, known))
    return tuple(out)


def label(tool: Mapping[str, Any]) -> str:
    """What people call a tool: its name, or the label of its MCP server; "" for a hosted tool."""
    for key in ("name", "server_label"):
        if isinstance(value := tool.get(key), str):
            return value
    return ""


def _checked(tool: object, number: int, file: str) -> str:
    if not isinstance(tool, dict):
        raise SettingsError(f"tool {number} is not an object", file=file)
    if not isinstance(tool.get("type"), str):
        raise SettingsError(f'tool {number} has no "type" (function, custom, mcp, …)', file=file)
    if tool["type"] in ("function", "custom", "namespace") and not label(tool):
        raise SettingsError(f'tool {number}, a {tool["type"]} tool, has no "name"', file=file)
    return label(tool)


def _with_credentials(tool: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(tool)
    if out.get("authorization") == MASK and isinstance(known.get("authorization"), str):
        out["authorization"] = known["authorization"]
    headers, fresh = out.get("headers"), known.get("headers")
    if isinstance(headers, dict) and isinstance(fresh, dict):
        out["headers"] = {
            key: fresh.get(key, value) if value == MASK else value for key, value in headers.items()
        }
    return out
