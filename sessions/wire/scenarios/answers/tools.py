"""Which tools a prompt makes the model call.

Its one rule: the choice follows from the words of the prompt and the tools given, never from chance.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from sessions.wire.scenarios.answer import Ask, CustomCall, FunctionCall, Step
from sessions.wire.scenarios.answers import hosted
from sessions.wire.scenarios.request import Item
from sessions.wire.scenarios.schema import Source, fitting

_WORD = re.compile(r"[a-z0-9]+")
_EMPTY = frozenset(
    "a an and are as at be by can call current data do for from get give has have how in into is it its "
    "list make me my of on or please run set tell that the then this to tool use user value what when which "
    "with you your return returns string function".split()
)
_ALL = re.compile(
    r"\b(?:both|all|every|each) (?:of )?(?:the |my |your )?(?:tools?|functions?)?\b|\bcall both\b"
)


def called(ask: Ask) -> Iterator[Step]:
    """The calls that this prompt leads to; none when there are no tools or none fits."""
    choice = ask.create.body.get("tool_choice", "auto")
    if choice == "none" or not ask.tools or not ask.text:
        return
    callable_tools = [tool for tool in _flattened(ask.tools) if tool.get("type") in ("function", "custom")]
    chosen = _forced(choice, callable_tools)
    if chosen is None:
        chosen = _fitting(ask.text, callable_tools)
        if not chosen and choice == "required" and callable_tools:
            chosen = callable_tools[:1]
    if ask.create.body.get("parallel_tool_calls") is False:
        chosen = chosen[:1]
    source = Source(ask.text)
    for tool in chosen:
        yield _call(tool, ask, source)
    if not chosen:
        yield from hosted.used(ask)


def is_forced(ask: Ask) -> bool:
    """Whether the create names the tool that has to be called, whatever else it says."""
    return isinstance(ask.create.body.get("tool_choice"), dict)


def _flattened(tools: tuple[Item, ...]) -> list[Item]:
    # a namespace groups tools under a name of its own
    flattened: list[Item] = []
    for tool in tools:
        if tool.get("type") == "namespace" and isinstance(tool.get("tools"), list):
            inner = [part for part in tool["tools"] if isinstance(part, dict)]
            flattened.extend({**part, "namespace": tool.get("name")} for part in inner)
        else:
            flattened.append(tool)
    return [tool for tool in flattened if isinstance(tool.get("name"), str) or "name" not in tool]


def _forced(choice: object, tools: list[Item]) -> list[Item] | None:
    if not isinstance(choice, dict):
        return None
    if choice.get("type") in ("function", "custom"):
        return [tool for tool in tools if tool.get("name") == choice.get("name")][:1]
    return None


def _fitting(text: str, tools: list[Item]) -> list[Item]:
    lower = text.lower()
    named = [tool for tool in tools if _is_named(str(tool.get("name", "")), lower)]
    if named and not _ALL.search(lower):
        return named
    if _ALL.search(lower) and tools:
        return tools[:2] if "both" in lower else tools
    asked = set(_WORD.findall(lower)) - _EMPTY
    return [tool for tool in tools if len(asked & _words(tool)) >= 2 or asked & _key_words(tool)][:1]


def _is_named(name: str, text: str) -> bool:
    spoken = re.escape(name.lower().replace("_", " "))
    return bool(name) and bool(re.search(rf"(?<!\w)(?:{re.escape(name.lower())}|{spoken})(?!\w)", text))


def _key_words(tool: Item) -> set[str]:
    return {word for word in _WORD.findall(str(tool.get("name", "")).lower()) if len(word) > 3} - _EMPTY


def _words(tool: Item) -> set[str]:
    spoken = f"{tool.get('name', '')} {tool.get('description') or ''}".lower()
    return {word for word in _WORD.findall(spoken.replace("_", " ")) if len(word) > 2} - _EMPTY


def _call(tool: Item, ask: Ask, source: Source) -> Step:
    name = str(tool.get("name", "tool"))
    if tool.get("type") == "custom":
        return CustomCall(name, ask.text)
    schema = tool.get("parameters")
    value = fitting(schema, source) if isinstance(schema, dict) else {}
    namespace = tool.get("namespace")
    arguments = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return FunctionCall(name, arguments, namespace if isinstance(namespace, str) else None)
