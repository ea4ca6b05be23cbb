"""What items say in words for people: who speaks, a title, a text; for every face that shows a conversation.

Its one rule: no item is dropped. A type that it does not know is shown with its name and its JSON. It takes
whatever JSON came, and cleans nothing: each face passes the text through its own gate.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from sessions.facts import word
from sessions.items import Item

_SHOWN_JSON = 4_000  # characters of an unknown item that a conversation shows


class Role(StrEnum):
    """Who or what speaks in a block of a conversation; the words that people see."""

    YOU = "you"
    SYSTEM = "system"
    EARLIER = "earlier"  #: items of earlier turns, sent again by a replay
    REPLY = "reply"  #: the output of a call
    THINK = "think"
    TOOL = "tool"
    MODEL = "model"
    REFUSAL = "refusal"
    SEARCH = "search"
    CODE = "code"
    IMAGE = "image"
    MCP = "mcp"
    SHELL = "shell"
    PATCH = "patch"
    COMPACT = "compact"
    ITEM = "item"
    STEER = "steer"
    ERROR = "error"
    CUT = "cut"
    NOTE = "note"


class Saying(NamedTuple):
    """One thing said: by whom, under which title, in which words."""

    role: Role
    title: str = ""
    text: str = ""
    note: str = ""  #: an id or a state


ROLES: Mapping[str, Role] = {
    "message": Role.MODEL,
    "reasoning": Role.THINK,
    "function_call": Role.TOOL,
    "custom_tool_call": Role.TOOL,
    "computer_call": Role.TOOL,
    "tool_search_call": Role.TOOL,
    "local_shell_call": Role.SHELL,
    "shell_call": Role.SHELL,
    "apply_patch_call": Role.PATCH,
    "web_search_call": Role.SEARCH,
    "file_search_call": Role.SEARCH,
    "code_interpreter_call": Role.CODE,
    "image_generation_call": Role.IMAGE,
    "mcp_call": Role.MCP,
    "mcp_list_tools": Role.MCP,
    "mcp_approval_request": Role.MCP,
    "compaction": Role.COMPACT,
}


def role_of(item_type: str) -> Role:
    """Who speaks in an output item of this type."""
    if item_type.endswith(("_output", "_response")):
        return Role.REPLY
    return ROLES.get(item_type, Role.ITEM)


# What a create says ------------------------------------------------------------------------------------


def asked(fields: Mapping[str, Any]) -> tuple[Saying, ...]:
    """What the `input` of a create says, item by item, in its order."""
    value = fields.get("input")
    if isinstance(value, str):
        return (Saying(Role.YOU, text=value),) if value else ()
    if not isinstance(value, list):
        return ()
    return tuple(_asked_item(item) for item in value)


def _asked_item(item: object) -> Saying:
    if not isinstance(item, dict):
        return Saying(Role.ITEM, "not an object", compact(item))
    kind = word(item.get("type")) or ("message" if "role" in item else "")
    if kind == "message":
        role = {"user": Role.YOU, "assistant": Role.EARLIER}.get(word(item.get("role")), Role.SYSTEM)
        title = word(item.get("role")) if role is Role.SYSTEM else "model" if role is Role.EARLIER else ""
        return Saying(role, title, content_text(item.get("content")))
    if kind == "mcp_approval_response":
        verdict = "approved" if item.get("approve") is True else "denied"
        return Saying(Role.REPLY, verdict, word(item.get("reason")), word(item.get("approval_request_id")))
    if kind.endswith("_output"):
        title = "" if kind == "function_call_output" else kind.removesuffix("_output").replace("_", " ")
        return Saying(Role.REPLY, title, output_text(item), word(item.get("call_id")))
    if kind == "item_reference":
        return Saying(Role.EARLIER, "item reference", note=word(item.get("id")))
    return Saying(Role.EARLIER if kind else Role.ITEM, kind or "no type", _gist(item))


def _gist(item: Mapping[str, Any]) -> str:
    kind = item.get("type")
    if kind == "reasoning":
        return "\n".join(texts_of(item.get("summary"))) or "(encrypted)"
    if kind in ("function_call", "custom_tool_call"):
        return f"{word(item.get('name'))}({word(item.get('arguments')) or word(item.get('input'))})"
    return compact(item)


def content_text(content: object) -> str:
    """The parts of a message in words; images and files by name or size, never by their bytes."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "\n".join(_part_text(part) for part in content)


def _part_text(part: object) -> str:
    if not isinstance(part, dict):
        return compact(part)
    match word(part.get("type")):
        case "input_text" | "output_text" | "text" | "summary_text" | "reasoning_text":
            return word(part.get("text"))
        case "refusal":
            return word(part.get("refusal"))
        case "input_image" | "computer_screenshot":
            return f"[image {_where(part.get('image_url') or part.get('file_id'))}]"
        case "input_file":
            name = word(part.get("filename"))
            where = _where(part.get("file_url") or part.get("file_id") or part.get("file_data"))
            return f"[file {name} {where}]" if name else f"[file {where}]"
        case "input_audio":
            return "[audio]"
        case _:
            return compact(part)


def _where(value: object) -> str:
    text = word(value)
    if text.startswith("data:"):
        media = text[5:60].partition(";")[0].partition(",")[0]
        return f"{media}, {size_words(len(text) * 3 // 4)} inline"
    return text if len(text) <= 200 else f"{size_words(len(text) * 3 // 4)} inline"


def texts_of(parts: object) -> list[str]:
    """The texts of a list of parts."""
    if not isinstance(parts, list):
        return []
    return [word(part.get("text")) for part in parts if isinstance(part, dict)]


# What an output item says ------------------------------------------------------------------------------


def title_of(item: Item, body: Mapping[str, Any]) -> str:
    """What an item is about in a few words; "" for messages and reasoning."""
    name = word(body.get("name")) or item.name
    match item.type:
        case "message" | "reasoning":
            return ""
        case "function_call" | "custom_tool_call":
            return name or "(no name yet)"
        case "computer_call":
            return f"computer: {_actions(body)}"
        case "tool_search_call":
            return f"tool search {compact(body.get('arguments'))}"
        case "local_shell_call" | "shell_call":
            action = body.get("action")
            command = action.get("command") if isinstance(action, dict) else None
            return " ".join(map(str, command)) if isinstance(command, list) else "shell"
        case "apply_patch_call":
            operation = body.get("operation")
            operation = operation if isinstance(operation, dict) else {}
            return f"{word(operation.get('type')) or 'patch'} {word(operation.get('path'))}".strip()
        case "web_search_call":
            return _search(body.get("action"))
        case "file_search_call":
            queries = body.get("queries")
            asked_for = "; ".join(map(str, queries)) if isinstance(queries, list) else ""
            return f"file search {asked_for}".strip()
        case "code_interpreter_call":
            return "code interpreter"
        case "image_generation_call":
            return "image generation"
        case "mcp_list_tools":
            return f"{word(body.get('server_label')) or name}: list of tools"
        case "mcp_call":
            return _mcp_name(body, name)
        case "mcp_approval_request":
            return f"{_mcp_name(body, name)} waits for your approval"
        case "compaction":
            return "context compacted" if item.done >= 0 else "compacting the context"
        case _ if role_of(item.type) is Role.REPLY:
            return "" if item.type == "function_call_output" else item.type.replace("_", " ")
        case _:
            return item.type or "item of no known type"


def results_of(item: Item, body: Mapping[str, Any]) -> str:
    """What an item says beside its streamed texts: outputs, sources, results; "" when nothing."""
    match item.type:
        case "mcp_list_tools":
            tools = body.get("tools")
            names = [
                word(tool.get("name")) for tool in tools or () if isinstance(tool, dict)
            ] if isinstance(tools, list) else []  # fmt: skip
            return _with_error(", ".join(names), body)
        case "mcp_call":
            return _with_error(word(body.get("output")), body)
        case "mcp_approval_request":
            return word(body.get("arguments")) if not item.parts else ""
        case "code_interpreter_call":
            return "\n".join(_code_outputs(body.get("outputs")))
        case "file_search_call":
            return "\n".join(_file_results(body.get("results")))
        case "web_search_call":
            action = body.get("action")
            sources = action.get("sources") if isinstance(action, dict) else None
            listed = sources if isinstance(sources, list) else []
            return "\n".join(word(one.get("url")) for one in listed if isinstance(one, dict))
        case "image_generation_call":
            size = len(word(body.get("result"))) * 3 // 4
            form = " ".join(word(body.get(key)) for key in ("size", "output_format", "quality"))
            return f"{size_words(size)} {form}".strip() if size else ""
        case "apply_patch_call" if not item.parts:
            operation = body.get("operation")
            return word(operation.get("diff")) if isinstance(operation, dict) else ""
        case "compaction":
            sealed = len(word(body.get("encrypted_content")))
            return f"encrypted, {size_words(sealed)}" if sealed else ""
        case "message" | "reasoning" | "function_call" | "custom_tool_call" | "shell_call":
            return ""
        case "local_shell_call" | "computer_call" | "tool_search_call" | "apply_patch_call":
            return ""
        case _ if role_of(item.type) is Role.REPLY:
            return output_text(body) if not item.parts else ""
        case _:
            return compact(body) if body else ""


def output_text(item: Mapping[str, Any]) -> str:
    """The output of a call in words, whatever its shape."""
    output = item.get("output")
    if output is None and "tools" in item:
        return compact(item["tools"])
    if isinstance(output, str):
        return output
    if isinstance(output, dict):
        return _part_text(output) if "type" in output else compact(output)
    if isinstance(output, list):
        return "\n".join(_shell_output(one) for one in output)
    return "" if output is None else compact(output)


def _shell_output(one: object) -> str:
    if not isinstance(one, dict):
        return compact(one)
    if "stdout" not in one and "stderr" not in one:
        return _part_text(one)
    pieces = [word(one.get("stdout")).rstrip("\n"), word(one.get("stderr")).rstrip("\n")]
    outcome = one.get("outcome")
    if isinstance(outcome, dict):
        code = outcome.get("exit_code")
        pieces.append(f"exit {code}" if code is not None else word(outcome.get("type")))
    return "\n".join(piece for piece in pieces if piece)


def _with_error(text: str, body: Mapping[str, Any]) -> str:
    error = body.get("error")
    if not error:
        return text
    said = word(error.get("message")) if isinstance(error, dict) else ""
    return f"{text}\nerror: {said or compact(error)}".strip()


def _mcp_name(body: Mapping[str, Any], name: str) -> str:
    label = word(body.get("server_label"))
    return f"{label}.{name}" if label and name != label else name or label


def _search(action: object) -> str:
    if not isinstance(action, dict):
        return "web search"
    match word(action.get("type")):
        case "open_page":
            return f"open {word(action.get('url'))}"
        case "find_in_page" | "find":
            return f"find {word(action.get('pattern'))!r} in {word(action.get('url'))}"
        case _:
            queries = action.get("queries")
            listed = "; ".join(map(str, queries)) if isinstance(queries, list) else ""
            return f"web search {word(action.get('query')) or listed}".strip()


def _actions(body: Mapping[str, Any]) -> str:
    actions = body.get("actions")
    listed: Iterable[object] = actions if isinstance(actions, list) else (body.get("action"),)
    return ", ".join(
        " ".join(str(value) for key, value in one.items() if key != "path")
        for one in listed
        if isinstance(one, dict)
    )


def _code_outputs(outputs: object) -> Iterable[str]:
    for one in outputs if isinstance(outputs, list) else ():
        if isinstance(one, dict):
            yield word(one.get("logs")) or f"[{word(one.get('type')) or 'output'} {_where(one.get('url'))}]"


def _file_results(results: object) -> Iterable[str]:
    for one in results if isinstance(results, list) else ():
        if isinstance(one, dict):
            score = one.get("score")
            yield f"{word(one.get('filename'))} {score if score is not None else ''}".strip()


def footnote(annotation: Mapping[str, Any]) -> str:
    """Where an annotation points to, in words."""
    where = word(annotation.get("url")) or word(annotation.get("filename")) or word(annotation.get("file_id"))
    title = word(annotation.get("title"))
    kind = word(annotation.get("type")).replace("_", " ")
    return " ".join(piece for piece in (title, where) if piece) or kind or "annotation"


def compact(value: object) -> str:
    """A value as JSON on one line, cut at a length that a conversation can show."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        text = "(too deep to show here)"
    return text if len(text) <= _SHOWN_JSON else f"{text[:_SHOWN_JSON]}\u2026 ({size_words(len(text))})"


def size_words(count: int) -> str:
    """A number of bytes as people read it."""
    size = float(count)
    for unit in ("B", "kB", "MB"):
        if size < 1000 or unit == "MB":
            return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError("not reached")
