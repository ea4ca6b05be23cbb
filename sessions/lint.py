"""What looks wrong in the text of a frame before it goes out, by line and column, in plain words.

Its one rule: it advises and never forbids, since a broken frame can be sent on purpose. An `error` is what
the contract refuses, a `warning` is what often goes wrong. It never raises, whatever the text.
Facts: openai-python's client event types, the WebSocket mode guide, the steering guide.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Literal, NamedTuple, TypeAlias

from sessions.contract import (
    ANSWERS,
    CODEX_FRAME_BYTES,
    LANE_PATTERN,
    METADATA_KEY,
    METADATA_PAIRS,
    METADATA_VALUE,
    Family,
    family,
)
from sessions.dialects import is_chat_tool
from sessions.places import Map, place_at, places
from sessions.redact import MASK

Severity: TypeAlias = Literal["error", "warning"]

_LANE = re.compile(LANE_PATTERN)
_DEFAULT_LIMIT_BYTES = 1 << 20  # what servers built on Python's websockets take unless told otherwise
_SMALLEST_OUTPUT = 16  # some models refuse fewer output tokens
_LARGE = 1 << 18  # above it only what was found is looked for, since somebody is typing

#: keys of a `response.create` [SDK]
CREATE_KEYS = frozenset(
    "type stream_id generate previous_response_id conversation model input instructions tools tool_choice "
    "parallel_tool_calls max_tool_calls reasoning text max_output_tokens temperature top_p top_logprobs "
    "truncation store include context_management metadata prompt prompt_cache_key prompt_cache_options "
    "prompt_cache_retention safety_identifier user service_tier moderation access_programs image stream "
    "background stream_options".split()
)
#: keys that one back end or a beta adds [CODEX] [SDK]
_FURTHER_KEYS = frozenset({"client_metadata", "multi_agent"})
_STEER_KEYS = frozenset({"type", "previous_response_id", "input"})
_BOOLEANS = ("store", "generate", "parallel_tool_calls", "background")
_TEXTS = ("model", "instructions", "previous_response_id", "safety_identifier", "user")


class Problem(NamedTuple):
    """One thing that looks wrong, and where."""

    severity: Severity
    line: int  #: from 1
    column: int  #: in characters, from 1
    sentence: str
    path: str = ""  #: such as `tools[0].name`; "" when the text as a whole is meant


class _Finding(NamedTuple):
    severity: Severity
    path: str
    sentence: str


def lint(
    text: str, *, shape: Literal["flat", "nested"] = "flat", tools_known: Collection[str] = ()
) -> tuple[Problem, ...]:
    """What looks wrong in a frame, errors first, then by place; empty when nothing does.

    `shape` is what the server wants a create to look like. `tools_known` are names of tools beyond those in
    the frame, such as those of a namespace that is searched.
    """
    if not text.strip():
        return (Problem("error", 1, 1, "The frame is empty."),)
    try:
        body = json.loads(text, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        return (_broken(text, error),)
    except RecursionError:
        return (Problem("error", 1, 1, "It is nested too deeply to be read."),)
    except ValueError as error:
        return (Problem("error", *place_at(text, text.find(str(error))), f"{error} is not a JSON number."),)
    if not isinstance(body, dict):
        return (Problem("error", 1, 1, "A frame is one JSON object in braces; this is something else."),)
    findings = list(_findings(body, shape, tools_known))
    findings += _about_size(text)
    wanted = None if len(text) < _LARGE else {one.path for one in findings if one.path}
    where = places(text, wanted) if wanted is None or wanted else Map({}, ())
    problems = [
        Problem(one.severity, *place_at(text, _offset(where, one.path)), one.sentence, one.path)
        for one in findings
    ]
    problems += [
        Problem("warning", *place_at(text, at), f"{path} stands twice; the last one counts.", path)
        for path, at in where.twice
    ]
    return tuple(sorted(problems, key=lambda one: (one.severity != "error", one.line, one.column)))


def _offset(where: Map, path: str) -> int:
    while path and path not in where.places:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return where.places.get(path, 0)


def _no_number(name: str) -> Any:
    raise ValueError(name)


# Broken JSON -------------------------------------------------------------------------------------------

_PLAIN_WORDS = {
    "Expecting ',' delimiter": "a comma is missing before this, or a bracket was closed with the wrong sign",
    "Expecting ':' delimiter": "a colon is missing after the key",
    "Expecting property name enclosed in double quotes": "a key in double quotes belongs here",
    "Expecting value": "a value is missing here",
    "Unterminated string starting at": "this text has no closing quote",
    "Extra data": "the object has ended before this; only one object fits into a frame",
    "Invalid control character at": "a line break or control character stands in a text; write \\n for it",
    "Invalid \\escape": "this backslash begins no escape; write \\\\ for a backslash",
    "Invalid \\uXXXX escape": "four hexadecimal digits belong after \\u",
    "Illegal trailing comma before end of object": "no comma may stand before the closing brace",
    "Illegal trailing comma before end of array": "no comma may stand before the closing bracket",
}
_HINTS = (
    (re.compile(r"[\u201c\u201d\u201e\u2018\u2019]"), "use straight double quotes, not typographic ones"),
    (re.compile(r"'"), "use double quotes, not single ones"),
    (re.compile(r"(True|False|None)\b"), "JSON writes true, false and null"),
    (re.compile(r"undefined\b"), "JSON has no undefined; leave the key out"),
    (re.compile(r"//|/\*|#"), "JSON has no comments"),
    (re.compile(r"[}\]]"), "a comma before it is one too many, or a value is missing"),
    (re.compile(r"[+.]?\d|0\d"), "a JSON number begins with a digit or a minus, without leading zeros"),
)


def _broken(text: str, error: json.JSONDecodeError) -> Problem:
    at = error.pos
    words = _PLAIN_WORDS.get(error.msg.removesuffix(": "), error.msg)
    rest = text[at:].lstrip()
    if error.msg.startswith("Unterminated"):
        rest = ""
    elif not rest:
        words = "the text ends here; a closing brace, bracket or quote is missing"
        at = len(text.rstrip())
    if rest and error.msg.startswith("Expecting") and not error.msg.startswith("Expecting ':'"):
        for pattern, hint in _HINTS:
            if pattern.match(rest):
                words = hint
                break
    return Problem("error", *place_at(text, at), f"Not JSON: {words}.")


# What the frame says -----------------------------------------------------------------------------------


def _findings(body: Mapping[str, Any], shape: str, tools_known: Collection[str]) -> Iterator[_Finding]:
    kind = body.get("type")
    if "type" not in body:
        yield _Finding("error", "", 'There is no "type"; a frame that begins a turn says "response.create".')
    elif not isinstance(kind, str):
        yield _Finding("error", "type", '"type" has to be a text, such as "response.create".')
    elif kind == "response.steer":
        yield from _about_steer(body)
    elif kind == "response.inject":
        if not isinstance(body.get("response_id"), str):
            yield _Finding("error", "", 'An inject names its target in "response_id".')
    elif kind != "response.create" and family(kind) is not Family.CLIENT:
        near = get_close_matches(kind, ("response.create", "response.steer", "response.inject"), 1)
        hint = (
            f'; did you mean "{near[0]}"?' if near else "; clients send response.create and response.steer."
        )
        yield _Finding("warning", "type", f'"{kind}" is no event that a client sends{hint}')
    if kind != "response.create":
        return
    nested = body.get("response")
    if isinstance(nested, dict) and nested:
        if shape != "nested":
            yield _Finding(
                "warning",
                "response",
                "The create is nested under `response`: most servers want it flat and miss the model.",
            )
        outside = [key for key in body if key not in ("type", "response", "stream_id")]
        if outside:
            yield _Finding(
                "warning", outside[0], f"`{outside[0]}` stands beside `response` and may be ignored."
            )
        for one in _about_create(nested, tools_known):
            yield one._replace(path=f"response.{one.path}" if one.path else "response")
        yield from _about_lane(body)
        return
    if shape == "nested":
        yield _Finding("warning", "", "This server wants the create nested under `response`.")
    yield from _about_create(body, tools_known)


def _about_steer(body: Mapping[str, Any]) -> Iterator[_Finding]:
    if "stream_id" in body:
        yield _Finding("error", "stream_id", "A steer names no lane: the response that it steers decides it.")
    if not isinstance(body.get("previous_response_id"), str) or not body["previous_response_id"]:
        yield _Finding("error", "previous_response_id", "A steer names its target in previous_response_id.")
    if not body.get("input"):
        yield _Finding("error", "input", "A steer needs an input: a text or user messages.")
    for key in body:
        if key not in _STEER_KEYS and key != "stream_id":
            yield _Finding("error", key, f"A steer has exactly three keys; `{key}` is none of them.")


def _about_lane(body: Mapping[str, Any]) -> Iterator[_Finding]:
    if "stream_id" not in body:
        return
    lane = body["stream_id"]
    if not isinstance(lane, str):
        yield _Finding("error", "stream_id", "stream_id has to be a text; leave it out for the default lane.")
    elif not lane:
        yield _Finding(
            "error", "stream_id", "An empty stream_id is invalid; leave it out for the default lane."
        )
    elif not _LANE.fullmatch(lane):
        yield _Finding(
            "error", "stream_id", "stream_id takes 1 to 256 of A-Z a-z 0-9 _ . - and nothing else."
        )


def _about_create(body: Mapping[str, Any], tools_known: Collection[str]) -> Iterator[_Finding]:
    for key in body:
        if key not in CREATE_KEYS and key not in _FURTHER_KEYS and key != "response":
            near = get_close_matches(key, CREATE_KEYS, 1)
            hint = f"; did you mean `{near[0]}`?" if near else "."
            yield _Finding("warning", key, f"`{key}` is no key of a response.create{hint}")
    for key in ("stream", "background", "stream_options"):
        if key in body:
            yield _Finding("warning", key, f"`{key}` belongs to HTTP; leave it out on a socket.")
    yield from _about_lane(body)
    if body.get("previous_response_id") and body.get("conversation"):
        yield _Finding("error", "conversation", "A parent and a conversation exclude each other.")
    for key in _BOOLEANS:
        if body.get(key) is not None and not isinstance(body[key], bool):
            yield _Finding("error", key, f"`{key}` has to be true or false.")
    for key in _TEXTS:
        if body.get(key) is not None and not isinstance(body[key], str):
            yield _Finding("error", key, f"`{key}` has to be a text.")
    if not body.get("model") and not body.get("prompt"):
        yield _Finding("warning", "", "No model is named.")
    yield from _about_numbers(body)
    yield from _about_metadata(body.get("metadata"))
    yield from _about_input(body.get("input"))
    yield from _about_tools(body, tools_known)
    yield from _about_format(body.get("text"))


def _about_numbers(body: Mapping[str, Any]) -> Iterator[_Finding]:
    limit = body.get("max_output_tokens")
    if limit is not None and (type(limit) is not int or limit < 1):
        yield _Finding("error", "max_output_tokens", "max_output_tokens has to be a whole number above 0.")
    elif limit is not None and limit < _SMALLEST_OUTPUT:
        yield _Finding(
            "warning", "max_output_tokens", f"Some models refuse fewer than {_SMALLEST_OUTPUT} tokens."
        )
    top = body.get("top_logprobs")
    if top is not None and (type(top) is not int or not 0 <= top <= 20):
        yield _Finding("error", "top_logprobs", "top_logprobs has to be a whole number from 0 to 20.")
    identifier = body.get("safety_identifier")
    if isinstance(identifier, str) and len(identifier) > 64:
        yield _Finding("error", "safety_identifier", "safety_identifier has at most 64 characters.")


def _about_metadata(value: object) -> Iterator[_Finding]:
    if value is None:
        return
    if not isinstance(value, dict):
        yield _Finding("error", "metadata", "metadata has to be an object of texts.")
        return
    if len(value) > METADATA_PAIRS:
        yield _Finding("error", "metadata", f"metadata has {len(value)} pairs; {METADATA_PAIRS} are allowed.")
    for key, text in value.items():
        path = f"metadata.{key}"
        if not isinstance(text, str):
            yield _Finding("error", path, "A value of metadata has to be a text.")
        elif len(text) > METADATA_VALUE:
            yield _Finding("error", path, f"A value of metadata has at most {METADATA_VALUE} characters.")
        if len(key) > METADATA_KEY:
            yield _Finding("error", path, f"A key of metadata has at most {METADATA_KEY} characters.")


def _about_input(value: object) -> Iterator[_Finding]:
    if value is None or isinstance(value, str):
        return
    if not isinstance(value, list):
        yield _Finding("error", "input", "input has to be a text or a list of items.")
        return
    answered: set[str] = set()
    for index, item in enumerate(value):
        path = f"input[{index}]"
        if not isinstance(item, dict):
            yield _Finding("error", path, "An item of the input has to be an object.")
            continue
        kind = item.get("type")
        if kind is None and "role" not in item:
            yield _Finding("error", path, "This item has neither a type nor a role.")
        if isinstance(kind, str) and (key := _NAMING.get(kind)):
            call_id = item.get(key)
            if not isinstance(call_id, str) or not call_id:
                yield _Finding("error", path, f"A {kind} names its call in `{key}`.")
            elif call_id in answered:
                yield _Finding("warning", f"{path}.{key}", f"{call_id} is answered twice.")
            else:
                answered.add(call_id)
                if key == "call_id" and call_id.startswith(("fc_", "ctc_")):
                    yield _Finding(
                        "warning",
                        f"{path}.{key}",
                        f"{call_id} looks like an item's id; a call_id belongs here.",
                    )


#: the key in which each kind of answer names its call [SDK]
_NAMING = {
    kind: {"mcp_approval_response": "approval_request_id", "local_shell_call_output": "id"}.get(
        kind, "call_id"
    )
    for kind in ANSWERS.values()
}


def _about_tools(body: Mapping[str, Any], tools_known: Collection[str]) -> Iterator[_Finding]:
    tools = body.get("tools")
    if tools is None:
        return
    if not isinstance(tools, list):
        yield _Finding("error", "tools", "tools has to be a list.")
        return
    names: set[str] = set(tools_known)
    for index, tool in enumerate(tools):
        path = f"tools[{index}]"
        if not isinstance(tool, dict):
            yield _Finding("error", path, "A tool has to be an object.")
            continue
        if is_chat_tool(tool):
            yield _Finding(
                "warning",
                path,
                "This tool is in the chat-completions form; here its name stands beside `type`.",
            )
            continue
        name = tool.get("name")
        if tool.get("type") in ("function", "custom") and not isinstance(name, str):
            yield _Finding("error", path, f"A {tool['type']} tool needs a name.")
        elif isinstance(name, str):
            if name in names and name not in tools_known:
                yield _Finding("warning", f"{path}.name", f"Two tools are called {name}.")
            names.add(name)
        if tool.get("type") == "mcp":
            yield from _about_mcp(tool, path)
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and isinstance(wanted := choice.get("name"), str) and wanted not in names:
        yield _Finding("warning", "tool_choice", f"No tool is called {wanted}.")


def _about_mcp(tool: Mapping[str, Any], path: str) -> Iterator[_Finding]:
    headers = tool.get("headers")
    secrets = [tool.get("authorization"), *(headers.values() if isinstance(headers, dict) else ())]
    if MASK in secrets:
        yield _Finding(
            "error", path, f"The credentials of this MCP tool are masked ({MASK}); load the tools file again."
        )
    elif any(secrets):
        yield _Finding(
            "warning", path, "The credentials of this MCP tool go to the server; the recording masks them."
        )


def _about_format(value: object) -> Iterator[_Finding]:
    form = value.get("format") if isinstance(value, dict) else None
    if isinstance(form, dict) and form.get("type") == "json_schema":
        for key in ("name", "schema"):
            if not form.get(key):
                yield _Finding("error", "text.format", f"A json_schema format needs a `{key}`.")


def _about_size(text: str) -> Iterator[_Finding]:
    size = len(text) if text.isascii() else len(text.encode(errors="surrogatepass"))
    if size >= CODEX_FRAME_BYTES:
        yield _Finding("warning", "", f"{size:,} bytes: some back ends close the socket above 16 MiB.")
    elif size > _DEFAULT_LIMIT_BYTES:
        yield _Finding("warning", "", f"{size:,} bytes: servers that take 1 MiB at most close with 1009.")
