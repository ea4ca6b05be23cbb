"""From a create and its parent to the question that a scenario answers, or to what is wrong with it.

Its one rule: a call that was made is answered, and an answer belongs to a call; else it is a 400.
"""

from __future__ import annotations

from sessions.contract import ANSWERS
from sessions.wire.scenarios.answer import Ask
from sessions.wire.scenarios.memory import Kept, Said, is_hosted
from sessions.wire.scenarios.problem import Problem
from sessions.wire.scenarios.request import Create, Item, named_tools, text_of

_OUTPUTS = frozenset(ANSWERS.values())


def wrong_outputs(create: Create, parent: Kept | None) -> Problem | None:
    """The problem of a pending call without its output, or of an output without its call."""
    answered = [_answered_id(item) for item in create.input if item.get("type") in _OUTPUTS]
    if answered:
        calls = _calls(create, parent)
        for call_id in answered:
            if call_id not in calls:
                message = f"No tool call found for the output with id '{call_id}'."
                return Problem(400, None, message, "input")
    pending = parent.open_calls() if parent and create.generate else ()
    replayed = [item for item in create.input if item.get("type") in ANSWERS and not is_hosted(item)]
    for call in (*pending, *replayed):
        if _call_id(call) not in answered:
            kind = str(call.get("type")).replace("_", " ")
            return Problem(400, None, f"No tool output found for {kind} '{_call_id(call)}'.", "input")
    return None


def asked(create: Create, parent: Kept | None) -> Ask:
    """What a scenario needs to know of a create."""
    turns, text = _split(create.input)
    fresh = [
        item
        for item in _fresh(create.input)
        if item.get("type") in _OUTPUTS and item.get("type") != "mcp_approval_response"
    ]
    names = _calls(create, parent) if fresh else {}
    outputs = tuple(
        (names.get(_answered_id(item), "the tool"), text_of(item) or str(item.get("output", "")))
        for item in fresh
    )
    said = [*(parent.history.turns() if parent else ()), *turns]
    heard = tuple(turn for turn in said if turn.user or turn.assistant)
    return Ask(text, create, heard, outputs, _tools(create, parent))


def _tools(create: Create, parent: Kept | None) -> tuple[Item, ...]:
    """The tools of this create, and those of items: Codex gives them once, as `additional_tools`."""
    items = (*(parent.items() if parent else ()), *create.input)
    added = (item.get("tools") for item in items if item.get("type") == "additional_tools")
    inner = (tool for tools in added if isinstance(tools, list) for tool in tools if isinstance(tool, dict))
    return (*create.tools, *named_tools(tuple(inner)))


def _calls(create: Create, parent: Kept | None) -> dict[str, str]:
    # every call of the chain with its tool's name
    items = (*(parent.items() if parent else ()), *create.input)
    return {
        _call_id(item): str(item.get("name") or item.get("type"))
        for item in items
        if item.get("type") in ANSWERS
    }


def _fresh(items: tuple[Item, ...]) -> tuple[Item, ...]:
    # in a full replay, outputs before the model's last words were used up long ago
    for index in range(len(items) - 1, -1, -1):
        if items[index].get("type") == "message" and items[index].get("role") == "assistant":
            return items[index + 1 :]
    return items


def _split(items: tuple[Item, ...]) -> tuple[list[Said], str]:
    """Earlier turns inside one input (a full replay), and the text that is new in it.

    Only the last message is the prompt: clients put their surroundings into user messages before it.
    """
    turns: list[Said] = []
    user: list[str] = []
    for item in items:
        if item.get("type") != "message":
            if item.get("type") in ANSWERS and user:
                # the prompt led to calls, and has been dealt with
                turns.append(Said("\n".join(user), ""))
                user = []
        elif item.get("role") == "user":
            user.append(text_of(item))
        elif item.get("role") == "assistant":
            turns.append(Said("\n".join(user), text_of(item)))
            user = []
    if len(user) > 1:
        turns.append(Said("\n".join(user[:-1]), ""))
    return turns, user[-1].strip() if user else ""


def _call_id(item: Item) -> str:
    return str(item.get("call_id") or (item.get("id") if "approval" in str(item.get("type")) else "") or "")


def _answered_id(item: Item) -> str:
    return str(item.get("call_id") or item.get("approval_request_id") or "")
