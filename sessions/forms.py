"""JSON schemas as forms: fields to fill in, the value they make, and what a value breaks.

Its one rule: a schema is somebody else's and may say anything; what is not understood becomes a JSON field,
never an error. The check covers a stated subset and names what it did not look at.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Literal, NamedTuple, TypeAlias

from sessions.json_kinds import kind_words

FieldKind: TypeAlias = Literal["text", "integer", "number", "boolean", "choice", "json", "file"]

_DEPTH = 4  # objects nested deeper become one JSON field
_EXAMPLE_DEPTH = 3
_MAX_FIELDS = 40
_STEPS = 20_000  # of one check: a schema may refer to itself many times over
_CHECKED = frozenset(
    [
        *"type properties required additionalProperties enum const items anyOf oneOf $ref".split(),
        *("$defs", "definitions"),
    ]
)
_REMARKS = frozenset("title description default examples example deprecated $schema $id $comment".split())


class Field(NamedTuple):
    """One thing to fill in."""

    kind: FieldKind
    name: str  #: dotted for a nested object: `place.city`
    title: str = ""
    is_required: bool = False
    default: Any = None
    description: str = ""
    choices: tuple[str, ...] = ()
    is_multiline: bool = False


class Wrong(NamedTuple):
    """What is wrong with one field or one value, in a sentence."""

    name: str
    sentence: str


class Filled(NamedTuple):
    """The value that filled fields make, and what is wrong with them."""

    value: dict[str, Any]
    problems: tuple[Wrong, ...]


class Checked(NamedTuple):
    """What a value breaks, and the keywords that were not looked at."""

    problems: tuple[Wrong, ...]
    unchecked: tuple[str, ...]


# Fields ------------------------------------------------------------------------------------------------


def fields_from(schema: Any) -> tuple[Field, ...]:
    """The fields of a schema; nested objects are flattened to dotted names, the rest is JSON."""
    root = schema if isinstance(schema, dict) else {}
    found = list(islice(_fields(root, root, "", True, 0), _MAX_FIELDS + 1))
    if not found or len(found) > _MAX_FIELDS:
        return (Field("json", "", "value", True, example(root), is_multiline=True),)
    return tuple(found)


def _fields(
    schema: Mapping[str, Any], root: Mapping[str, Any], prefix: str, is_required: bool, depth: int
) -> Iterator[Field]:
    schema = resolved(schema, root)
    properties = schema.get("properties")
    if not isinstance(properties, dict) or not properties:
        if prefix:
            yield _field(schema, root, prefix, is_required)
        return
    wanted = schema.get("required")
    wanted = wanted if isinstance(wanted, list) else []
    for name, inner in properties.items():
        inner = resolved(inner if isinstance(inner, dict) else {}, root)
        path = f"{prefix}.{name}" if prefix else str(name)
        needed = is_required and name in wanted
        if isinstance(inner.get("properties"), dict) and depth < _DEPTH and "." not in str(name):
            yield from _fields(inner, root, path, needed, depth + 1)
        else:
            yield _field(inner, root, path, needed)


def _field(schema: Mapping[str, Any], root: Mapping[str, Any], name: str, is_required: bool) -> Field:
    title, description = _word(schema.get("title")), _word(schema.get("description"))
    default = schema.get("default", schema.get("const"))
    options = schema.get("enum")
    if isinstance(options, list) and options and all(isinstance(one, str) for one in options):
        return Field("choice", name, title, is_required, default, description, tuple(options))
    kind = _field_kind(schema)
    if kind == "json" and default is None and is_required:
        default = example(schema, root)
    return Field(kind, name, title, is_required, default, description, (), kind == "json")


def _field_kind(schema: Mapping[str, Any]) -> FieldKind:
    match [one for one in _types(schema) if one != "null"]:
        case ["string"]:
            return "text"
        case ["integer"]:
            return "integer"
        case ["number"] | ["integer", "number"] | ["number", "integer"]:
            return "number"
        case ["boolean"]:
            return "boolean"
        case _:
            return "json"


def value_of(fields: Iterable[Field], answers: Mapping[str, Any]) -> Filled:
    """The value that these answers make; empty optional fields are left out.

    Answers are what an input holds: text, or a boolean for a switch. A problem never loses what was typed.
    """
    value: dict[str, Any] = {}
    problems: list[Wrong] = []
    for field in fields:
        answer = answers.get(field.name, field.default)
        title = field.title or field.name or "the value"
        if answer is None or (isinstance(answer, str) and not answer.strip() and field.kind != "text"):
            if field.is_required:
                problems.append(Wrong(field.name, f"{title} is needed."))
            continue
        if answer == "" and not field.is_required:
            continue
        made, wrong = _made(field, answer)
        if wrong:
            problems.append(Wrong(field.name, f"{title}: {wrong}"))
        elif not field.name:
            value = made if isinstance(made, dict) else {"value": made}
        else:
            _put(value, field.name.split("."), made)
    return Filled(value, tuple(problems))


def _made(field: Field, answer: Any) -> tuple[Any, str]:
    text = answer.strip() if isinstance(answer, str) else answer
    try:
        match field.kind:
            case "integer":
                return (text if type(text) is int else int(str(text))), ""
            case "number":
                number = float(text)
                if not math.isfinite(number):
                    return None, "a finite number belongs here."
                return (int(str(text)) if str(text).lstrip("+-").isdigit() else number), ""
            case "boolean":
                if isinstance(text, bool):
                    return text, ""
                known = {"true": True, "yes": True, "false": False, "no": False}
                found = known.get(str(text).lower())
                return (found, "") if found is not None else (None, "true or false belongs here.")
            case "choice" if text not in field.choices:
                return None, f"one of {', '.join(field.choices)} belongs here."
            case "json" if isinstance(answer, str):
                return json.loads(answer), ""
    except json.JSONDecodeError as error:
        return None, f"not JSON at line {error.lineno}, column {error.colno}: {error.msg}."
    except (ValueError, RecursionError):
        return None, f"{'a whole number' if field.kind == 'integer' else 'a number'} belongs here."
    return answer, ""


def _put(target: dict[str, Any], path: list[str], value: Any) -> None:
    for name in path[:-1]:
        inner = target.setdefault(name, {})
        target = inner if isinstance(inner, dict) else {}
    target[path[-1]] = value


def example(schema: Any, root: Mapping[str, Any] | None = None, depth: int = 0) -> Any:
    """A value of the right form to begin with: defaults, first choices, empty texts and zeros."""
    if not isinstance(schema, dict) or depth > _EXAMPLE_DEPTH:
        return {}
    root = schema if root is None else root
    schema = resolved(schema, root)
    for key in ("default", "const", "example"):
        if key in schema:
            return schema[key]
    for key in ("enum", "examples"):
        if isinstance(found := schema.get(key), list) and found:
            return found[0]
    for key in ("anyOf", "oneOf"):
        if isinstance(found := schema.get(key), list) and found:
            return example(found[0], root, depth + 1)
    match next((one for one in _types(schema) if one != "null"), "object"):
        case "string":
            return ""
        case "integer" | "number":
            return 0
        case "boolean":
            return False
        case "array":
            return []
        case _:
            properties = schema.get("properties")
            properties = properties if isinstance(properties, dict) else {}
            wanted = schema.get("required")
            names = wanted if isinstance(wanted, list) and wanted else list(properties)
            known = [name for name in names if isinstance(name, str) and name in properties]
            return {name: example(properties[name], root, depth + 1) for name in known[:_MAX_FIELDS]}


# Checking ----------------------------------------------------------------------------------------------


def check_arguments(schema: Any, value: Any) -> Checked:
    """What a call's arguments break: type, required, enum, const, additionalProperties, items, anyOf, $ref.

    A small subset on purpose; `unchecked` names the keywords of this schema that were passed over.
    """
    if not isinstance(schema, dict):
        return Checked((), ())
    check = _Check(schema)
    check.value(schema, value, "", 0)
    return Checked(tuple(check.problems[:_MAX_FIELDS]), tuple(sorted(check.unchecked)))


class _Check:
    """One check of one value: what it found, and how many steps it may still take."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self.root = root
        self.problems: list[Wrong] = []
        self.unchecked: set[str] = set()
        self._steps = _STEPS

    def value(self, schema: Mapping[str, Any], value: Any, path: str, depth: int) -> None:
        """Look at one value, and at what is in it."""
        self._steps -= 1
        if self._steps < 0 or depth > 64:
            self.unchecked.add("what is nested too deeply")
            return
        schema = resolved(schema, self.root)
        self.unchecked |= {key for key in schema if key not in _CHECKED and key not in _REMARKS}
        name = path or "the value"
        types = _types(schema)
        if types and not any(_is_of(value, kind) for kind in types):
            self._wrong(path, f"{name} is {kind_words(value)}, {' or '.join(types)} was asked for.")
            return
        options = schema.get("enum")
        if isinstance(options, list) and not any(_is_equal(value, one) for one in options):
            shown = ", ".join(json.dumps(one, ensure_ascii=False) for one in options[:8])
            self._wrong(path, f"{name} is none of {shown}.")
        if "const" in schema and not _is_equal(value, schema["const"]):
            self._wrong(path, f"{name} is not {json.dumps(schema['const'], ensure_ascii=False)}.")
        for key in ("anyOf", "oneOf"):
            branches = schema.get(key)
            branches = (
                [one for one in branches if isinstance(one, dict)] if isinstance(branches, list) else []
            )
            if branches and not any(self._fits(one, value, depth) for one in branches):
                self._wrong(path, f"{name} fits none of its alternatives.")
        if isinstance(value, dict):
            self._object(schema, value, path, depth)
        elif isinstance(value, list) and isinstance(items := schema.get("items"), dict):
            for index, one in enumerate(value):
                self.value(items, one, f"{path}[{index}]", depth + 1)

    def _object(self, schema: Mapping[str, Any], value: Mapping[str, Any], path: str, depth: int) -> None:
        properties = schema.get("properties")
        properties = properties if isinstance(properties, dict) else {}
        wanted = schema.get("required")
        for name in wanted if isinstance(wanted, list) else ():
            if isinstance(name, str) and name not in value:
                inner = f"{path}.{name}" if path else name
                self._wrong(inner, f"{inner} is missing.")
        further = schema.get("additionalProperties")
        for name, one in value.items():
            inner = f"{path}.{name}" if path else str(name)
            if isinstance(known := properties.get(name), dict):
                self.value(known, one, inner, depth + 1)
            elif name not in properties and further is False:
                self._wrong(inner, f"{inner} is not in the schema.")
            elif name not in properties and isinstance(further, dict):
                self.value(further, one, inner, depth + 1)

    def _fits(self, schema: Mapping[str, Any], value: Any, depth: int) -> bool:
        before, self.problems = self.problems, []
        self.value(schema, value, "", depth + 1)
        fits, self.problems = not self.problems, before
        return fits

    def _wrong(self, path: str, sentence: str) -> None:
        self.problems.append(Wrong(path, sentence))


def resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema behind a `$ref` that points inside the root; any other schema as it is."""
    for _ in range(8):
        target = schema.get("$ref")
        if not isinstance(target, str) or not target.startswith("#"):
            break
        found: Any = root
        for piece in target[1:].split("/")[1:]:
            piece = piece.replace("~1", "/").replace("~0", "~")
            found = found.get(piece) if isinstance(found, dict) else None
        rest = {key: one for key, one in schema.items() if key != "$ref"}
        schema = {**found, **rest} if isinstance(found, dict) else rest
    return schema


def _types(schema: Mapping[str, Any]) -> list[str]:
    kind = schema.get("type")
    if isinstance(kind, str):
        return [kind]
    if isinstance(kind, list):
        return [one for one in kind if isinstance(one, str)]
    return ["object"] if isinstance(schema.get("properties"), dict) else []


def _is_of(value: Any, kind: str) -> bool:
    match kind:
        case "string":
            return isinstance(value, str)
        case "integer":
            return (type(value) is int) or (isinstance(value, float) and value.is_integer())
        case "number":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "null":
            return value is None
        case "array":
            return isinstance(value, list)
        case "object":
            return isinstance(value, dict)
        case _:
            return True  # a type of somebody's own


def _is_equal(one: Any, other: Any) -> bool:
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""
