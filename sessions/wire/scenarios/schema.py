"""A value that fits a JSON schema, made from what the user said.

Its one rule: the value is valid for every keyword that it reads, and the same prompt gives the same value.
It is no validator, and follows `$ref` only inside the schema.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_NAMES = re.compile(r"\b[A-ZÀ-Þ][\w'-]+\b")
_NUMBERS = re.compile(r"-?\d+(?:\.\d+)?")
_QUOTED = re.compile(r"[\"“']([^\"”']{1,60})[\"”']")
_COMMON = frozenset(
    "what who where when why how the and please call both tell can could temp get is in "
    "look check find show give compare use search fetch ask say now then also are will would should".split()
)
_FORMATS = {
    "date": "2026-11-20",
    "time": "12:30:00Z",
    "date-time": "2026-11-20T12:30:00Z",
    "duration": "PT30M",
    "email": "ada@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.7",
    "ipv6": "2001:db8::7",
    "uri": "https://example.com/",
    "uuid": "123e4567-e89b-42d3-a456-426614174000",
}
#: clients run what they get under these names, so it is something that does no harm
_HARMLESS = {"command": "date", "cmd": "date", "commands": "date", "script": "date", "code": "1 + 1"}
_DEPTH = 8


class Source:
    """Words and numbers of a prompt, handed out in order."""

    def __init__(self, prompt: str) -> None:
        self._names: list[str] = _QUOTED.findall(prompt) or [
            name for name in _NAMES.findall(prompt) if name.lower() not in _COMMON
        ]
        self._numbers = [float(number) for number in _NUMBERS.findall(prompt)]

    def name(self) -> str | None:
        """The next proper noun or quoted text; the last one again when they run out."""
        if len(self._names) > 1:
            return self._names.pop(0)
        return self._names[0] if self._names else None

    def number(self) -> float | None:
        """The next number, None when there is none left."""
        return self._numbers.pop(0) if self._numbers else None


def fitting(schema: Any, source: Source) -> Any:
    """A value for this schema."""
    return _value(schema, source, schema if isinstance(schema, dict) else {}, "", 0)


def _value(schema: Any, source: Source, root: Mapping[str, Any], name: str, depth: int) -> Any:
    if not isinstance(schema, dict):
        return {} if depth == 0 else None
    schema = _resolved(schema, root)
    if "const" in schema:
        return schema["const"]
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return schema["enum"][0]
    for key in ("anyOf", "oneOf"):
        choices = schema.get(key)
        if isinstance(choices, list) and choices:
            return _value(choices[0], source, root, name, depth + 1)
    if isinstance(schema.get("allOf"), list):
        merged: dict[str, Any] = {key: value for key, value in schema.items() if key != "allOf"}
        for part in schema["allOf"]:
            if isinstance(part, dict):
                part = _resolved(part, root)
                properties = {**merged.get("properties", {}), **part.get("properties", {})}
                required = [*merged.get("required", []), *part.get("required", [])]
                merged = {**merged, **part, "properties": properties, "required": required}
        return _value(merged, source, root, name, depth + 1)
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if kind is None:
        kind = (
            "object" if "properties" in schema or depth == 0 else "array" if "items" in schema else "string"
        )
    match kind:
        case "object":
            return _object(schema, source, root, depth)
        case "array":
            return _array(schema, source, root, name, depth)
        case "integer" | "number":
            return _number(schema, source, is_integer=kind == "integer")
        case "boolean":
            return schema.get("default", True)
        case "null":
            return None
        case _:
            return _string(schema, source, name)


def _resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    if not isinstance(reference, str) or not reference.startswith("#"):
        return dict(schema)
    target: Any = root
    for step in reference.lstrip("#").strip("/").split("/"):
        if step:
            target = (
                target.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(target, dict) else None
            )
    return dict(target) if isinstance(target, dict) else {}


def _object(schema: Mapping[str, Any], source: Source, root: Mapping[str, Any], depth: int) -> dict[str, Any]:
    properties = schema.get("properties")
    required = schema.get("required")
    if not isinstance(properties, dict):
        return {}
    wanted = set(required) if isinstance(required, list) else set()
    # a recursive schema ends where nothing more is required
    return {
        name: _value(part, source, root, name, depth + 1)
        for name, part in properties.items()
        if depth < _DEPTH and (name in wanted or depth < 2)
    }


def _array(
    schema: Mapping[str, Any], source: Source, root: Mapping[str, Any], name: str, depth: int
) -> list[Any]:
    least = schema.get("minItems")
    most = schema.get("maxItems")
    count = max(1, least if isinstance(least, int) else 1)
    if isinstance(most, int):
        count = min(count, most)
    if depth >= _DEPTH:
        count = least if isinstance(least, int) else 0
    return [
        _value(schema.get("items", {"type": "string"}), source, root, name, depth + 1) for _ in range(count)
    ]


def _number(schema: Mapping[str, Any], source: Source, *, is_integer: bool) -> int | float:
    value = source.number()
    if value is None:
        default = schema.get("default")
        value = default if isinstance(default, int | float) else 3
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if isinstance(low, int | float):
        value = max(value, low)
    if isinstance(high, int | float):
        value = min(value, high)
    if isinstance(above, int | float) and value <= above:
        value = above + 1
    if isinstance(below, int | float) and value >= below:
        value = below - 1
    step = schema.get("multipleOf")
    if isinstance(step, int | float) and step:
        value = round(value / step) * step
    return int(value) if is_integer or float(value).is_integer() else value


def _string(schema: Mapping[str, Any], source: Source, name: str) -> str:
    if isinstance(schema.get("format"), str) and schema["format"] in _FORMATS:
        return _FORMATS[schema["format"]]
    default = schema.get("default")
    told = _HARMLESS.get(name) or source.name() or default
    text = told if isinstance(told, str) else name.replace("_", " ") or "text"
    least, most = schema.get("minLength"), schema.get("maxLength")
    if isinstance(least, int) and len(text) < least:
        text = text.ljust(least, "x")
    return text[:most] if isinstance(most, int) else text
