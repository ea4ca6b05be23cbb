"""Answers to calls, by hand: a form for each kind of call, and the input item that the filled form makes.

Its one rule: all open calls of a response are answered in one frame, or the server refuses it [WSG]. What is
half filled stays a value that can be kept; nothing here runs a tool.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from sessions.contract import ANSWERS
from sessions.create import Create, JsonObject
from sessions.errors import SessionsError
from sessions.forms import Field, Wrong, example, fields_from, value_of
from sessions.items import Item
from sessions.reducer import Sessions
from sessions.session import Turn
from sessions.tools import tool_named


class AnswerError(SessionsError):
    """An answer cannot be made yet: what is missing or wrong, field by field."""

    def __init__(self, problems: Iterable[Wrong]) -> None:
        self.problems = tuple(problems)
        super().__init__(" ".join(problem.sentence for problem in self.problems) or "nothing is filled in")


class HalfAnswer(BaseModel):
    """What somebody has typed so far for one call; kept between runs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    call_id: str
    type: str  #: of the call
    is_raw: bool = False  #: the raw text counts, not the form
    raw: str = ""
    values: dict[str, str | bool] = {}


def pending(sessions: Sessions, turn: Turn) -> tuple[Item, ...]:
    """The calls of a turn that nobody has answered, in the order of the output."""
    return tuple(item for response in turn.responses for item in response.pending_calls)


def unanswered(
    sessions: Sessions, turn: Turn, answered: Iterable[tuple[Item, Mapping[str, Any]]]
) -> tuple[Item, ...]:
    """The open calls that this set of answers leaves out."""
    done = {item.answer_id for item, _ in answered}
    return tuple(item for item in pending(sessions, turn) if item.answer_id not in done)


def title(item: Item) -> str:
    """What a call is, in a few words: its name and its id."""
    match item.type:
        case "mcp_approval_request":
            name, server = item.body.get("name"), item.body.get("server_label")
            what = f"approve {name or 'a call'} on {server or 'an MCP server'}"
        case "function_call" | "custom_tool_call":
            what = item.name or item.type
        case _:
            what = item.type.removesuffix("_call").replace("_", " ")
    return f"{what} {item.answer_id}".strip()


# Forms ---------------------------------------------------------------------------------------------------

_OUTPUT = Field("text", "output", "output", True, "", "what the tool gave back", (), True)
_EXIT = (
    Field("text", "stdout", "standard output", False, "", "", (), True),
    Field("text", "stderr", "standard error", False, "", "", (), True),
    Field("integer", "exit_code", "exit code", False, "0"),
    Field("boolean", "is_timeout", "it timed out", False, False, "then the exit code does not count"),
)


def form(item: Item, tools: Iterable[Mapping[str, Any]] = ()) -> tuple[Field, ...]:
    """The fields that answer this call; where its tool says what it gives back, they follow that schema."""
    match item.type:
        case "function_call":
            schema = _output_schema(item, tools)
            return fields_from(schema) if schema else (_OUTPUT,)
        case "mcp_approval_request":
            return (
                Field("choice", "approve", "decision", True, None, _MAY_CALL, ("approve", "deny")),
                Field("text", "reason", "reason", False, "", "for the model; may stay empty"),
            )
        case "computer_call":
            checks = _safety_checks(item)
            fields = [Field("file", "image_url", "screenshot", True, "", "a PNG or JPEG, or its URL")]
            if checks:
                said = "; ".join(str(check.get("message") or check.get("code") or "") for check in checks)
                fields.append(
                    Field("boolean", "acknowledge", "acknowledge the safety checks", True, False, said)
                )
            return tuple(fields)
        case "shell_call":
            return _shell_fields(item)
        case "local_shell_call":
            return _EXIT
        case "apply_patch_call":
            return (
                Field("choice", "status", "the patch", True, "completed", "", ("completed", "failed")),
                Field("text", "output", "log", False, "", "what the patch tool said", (), True),
            )
        case "tool_search_call":
            return (
                Field("json", "tools", "tools found", True, [], "definitions in the flat form", (), True),
            )
        case _:
            return (_OUTPUT,)


def template(item: Item, tools: Iterable[Mapping[str, Any]] = ()) -> str:
    """What the raw text may begin with: an example of the output, or the whole item to be filled in."""
    match item.type:
        case "function_call":
            schema = _output_schema(item, tools)
            return json.dumps(example(schema), ensure_ascii=False, indent=2) if schema else ""
        case "computer_call":
            output = {"type": "computer_screenshot", "image_url": ""}
            checks = _safety_checks(item)
            made = _named(
                item, {"output": output, **({"acknowledged_safety_checks": checks} if checks else {})}
            )
        case "shell_call":
            made = answer(item, {str(number): {} for number, _ in enumerate(_commands(item) or [""], 1)})
        case "apply_patch_call":
            made = _named(item, {"status": "completed", "output": ""})
        case "tool_search_call":
            made = answer(item, {"tools": []})
        case "mcp_approval_request":
            made = {**_approval(item, {"approve": False}), "reason": ""}
        case _:
            return ""
    return json.dumps(made, ensure_ascii=False, indent=2)


def finish(item: Item, half: HalfAnswer, tools: Iterable[Mapping[str, Any]] = ()) -> JsonObject:
    """The input item of a filled form; raises AnswerError with what is missing or wrong."""
    if half.is_raw:
        return answer(item, half.raw)
    fields = form(item, tools)
    filled = value_of(fields, half.values)
    if filled.problems:
        raise AnswerError(filled.problems)
    if item.type == "function_call" and fields != (_OUTPUT,):
        value = filled.value
        if [field.name for field in fields] == [""] and set(value) == {"value"}:
            value = value["value"]
        return answer(item, json.dumps(value, ensure_ascii=False))
    return answer(item, filled.value)


# Input items -------------------------------------------------------------------------------------------


def answer(item: Item, value: str | Mapping[str, Any]) -> JsonObject:
    """The input item that answers a call [SDK]: from form values, or from raw text.

    Raw text is the output itself where the output is a text. For the others it is the JSON of the output, or
    of the whole item. Raises AnswerError for a call of an unknown kind or a text that is no such JSON.
    """
    if item.type not in ANSWERS:
        raise AnswerError([Wrong("", f"a {item.type or 'call of unknown type'} is not answered by clients.")])
    if isinstance(value, str):
        return _from_text(item, value)
    match item.type:
        case "mcp_approval_request":
            return _approval(item, value)
        case "computer_call":
            return _screenshot(item, value)
        case "shell_call":
            return _named(item, {"output": _shell_outputs(item, value), **_limit(item)})
        case "local_shell_call":
            told = {key: value[key] for key in ("stdout", "stderr", "exit_code") if key in value}
            if value.get("is_timeout"):
                told = {**told, "timed_out": True}
            return _named(item, {"output": json.dumps(told, ensure_ascii=False)})
        case "apply_patch_call":
            output = {"output": value["output"]} if value.get("output") else {}
            return _named(item, {"status": value.get("status", "completed"), **output})
        case "tool_search_call":
            return _named(item, {"execution": "client", "tools": _listed(value.get("tools"), "tools")})
        case _:
            output = value.get("output", dict(value) if "output" not in value else "")
            is_text = isinstance(output, str | list)
            return _named(item, {"output": output if is_text else json.dumps(output, ensure_ascii=False)})


def answers_create(
    create: Create, answered: Iterable[tuple[Item, Mapping[str, Any]]], text: str = ""
) -> Create:
    """The create that carries all answers in one frame, and a text after them where one is given."""
    items = tuple(dict(item) for _, item in answered)
    return create.model_copy(
        update={"answers": items, "text": text, "history": create.history or (), "generate": True}
    )


def _from_text(item: Item, text: str) -> JsonObject:
    kind = ANSWERS[item.type]
    if item.type in ("function_call", "custom_tool_call", "local_shell_call"):
        return _named(item, {"output": text})
    if item.type == "mcp_approval_request" and text.strip().lower() in _YES_NO:
        return _approval(item, {"approve": _YES_NO[text.strip().lower()]})
    if item.type == "apply_patch_call" and text.strip() in ("completed", "failed"):
        return _named(item, {"status": text.strip()})
    if item.type == "computer_call" and text.strip().startswith(("data:", "https://", "http://")):
        return _screenshot(item, {"image_url": text.strip(), "acknowledge": True})
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise AnswerError([Wrong("", f"this answer has to be JSON: {error}.")]) from None
    if isinstance(found, dict) and found.get("type") == kind:
        return found
    if isinstance(found, dict):
        return answer(item, found)
    if item.type == "shell_call":
        return _named(item, {"output": _listed(found, "output"), **_limit(item)})
    if item.type == "tool_search_call":
        return _named(item, {"execution": "client", "tools": _listed(found, "tools")})
    raise AnswerError([Wrong("", f"this answer has to be a JSON object, or a whole {kind} item.")])


_MAY_CALL = "whether the server may call the tool"
_YES_NO = {"approve": True, "yes": True, "true": True, "deny": False, "no": False, "false": False}


def _named(item: Item, fields: Mapping[str, Any]) -> JsonObject:
    # only the local shell's output names its call in `id` [SDK]
    key = "id" if item.type == "local_shell_call" else "call_id"
    return {"type": ANSWERS[item.type], key: item.answer_id, **fields}


def _approval(item: Item, value: Mapping[str, Any]) -> JsonObject:
    approve = value.get("approve")
    if isinstance(approve, str):
        approve = _YES_NO.get(approve.strip().lower())
    if not isinstance(approve, bool):
        raise AnswerError([Wrong("approve", "Choose approve or deny; nothing is decided by itself.")])
    reason = {"reason": value["reason"]} if value.get("reason") else {}
    return {
        "type": "mcp_approval_response",
        "approval_request_id": item.answer_id,
        "approve": approve,
        **reason,
    }


def _screenshot(item: Item, value: Mapping[str, Any]) -> JsonObject:
    source = {key: value[key] for key in ("image_url", "file_id") if value.get(key)}
    if not source:
        raise AnswerError([Wrong("image_url", "a screenshot is needed.")])
    fields: JsonObject = {"output": {"type": "computer_screenshot", **source}}
    if checks := _safety_checks(item):
        if value.get("acknowledge") is not True:
            raise AnswerError([Wrong("acknowledge", "the safety checks have to be acknowledged first.")])
        fields["acknowledged_safety_checks"] = checks
    return _named(item, fields)


def _safety_checks(item: Item) -> list[JsonObject]:
    checks = item.body.get("pending_safety_checks")
    return [dict(check) for check in checks if isinstance(check, dict)] if isinstance(checks, list) else []


def _commands(item: Item) -> list[str]:
    action = item.body.get("action")
    commands = action.get("commands") if isinstance(action, dict) else None
    found = [one for one in commands if isinstance(one, str)] if isinstance(commands, list) else []
    return found or [str(part.text) for part in item.texts("command")]


def _shell_fields(item: Item) -> tuple[Field, ...]:
    commands = _commands(item)
    if len(commands) < 2:
        return _EXIT
    return tuple(
        field._replace(name=f"{number}.{field.name}", title=f"{field.title} of: {command[:40]}")
        for number, command in enumerate(commands, 1)
        for field in _EXIT
    )


def _shell_outputs(item: Item, value: Mapping[str, Any]) -> list[JsonObject]:
    """One chunk for each command: its two streams and its outcome."""
    if isinstance(given := value.get("output"), list):
        return given
    numbered = [value[key] for key in sorted(value, key=_number) if isinstance(value[key], dict)]
    out = []
    for one in numbered or [value]:
        outcome: JsonObject = {"type": "timeout"}
        if not one.get("is_timeout"):
            code = one.get("exit_code", 0)
            outcome = {"type": "exit", "exit_code": code if isinstance(code, int) else 0}
        out.append({"stdout": one.get("stdout", ""), "stderr": one.get("stderr", ""), "outcome": outcome})
    return out


def _number(key: str) -> int:
    return int(key) if key.isdigit() else 0


def _limit(item: Item) -> JsonObject:
    action = item.body.get("action")
    limit = action.get("max_output_length") if isinstance(action, dict) else None
    return {"max_output_length": limit} if isinstance(limit, int) else {}


def _listed(value: object, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise AnswerError([Wrong(name, f"{name} has to be a list.")])
    return value


def _output_schema(item: Item, tools: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    namespace = item.body.get("namespace")
    tool = tool_named(tools, item.name, namespace if isinstance(namespace, str) else "")
    schema = tool.get("output_schema") if tool else None
    return schema if isinstance(schema, dict) and schema else None
