"""Hosted and client-run tools other than functions: one function per tool type, its items and its events.

Its one rule: such a tool is used only when it was given and the prompt asks for what it does.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from sessions.wire.scenarios.answer import Ask, Hosted, Step, Text
from sessions.wire.scenarios.request import Item

#: a 1 by 1 pixel PNG, the smallest honest picture
PIXEL = b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
        "0000000d49444154789c63f8cfc0f01f0005000 1ff89993d1d0000000049454e44ae426082".replace(" ", "")
    )
).decode()


def _progress(call: str, *states: str) -> tuple[Item, ...]:
    return tuple({"type": f"response.{call}.{state}"} for state in states)


def web_search(ask: Ask, _: Item) -> Iterator[Step]:
    """A search, and an answer that cites what it found."""
    query = ask.text[:80]
    action: dict[str, object] = {"type": "search", "query": query, "queries": [query]}
    if ask.create.is_included("web_search_call.action.sources"):
        action["sources"] = [{"type": "url", "url": "https://example.com/tides"}]
    yield Hosted(
        "ws",
        {"type": "web_search_call", "status": "in_progress", "action": {"type": "search"}},
        _progress("web_search_call", "in_progress", "searching", "completed"),
        {"type": "web_search_call", "status": "completed", "action": action},
    )
    said = "Two pages agree: the tide turns twice a day."
    yield Text(
        said,
        (
            {
                "type": "url_citation",
                "start_index": 0,
                "end_index": len(said),
                "url": "https://example.com/tides",
                "title": "Tides, explained",
            },
        ),
    )


def file_search(ask: Ask, _: Item) -> Iterator[Step]:
    """A look into a vector store, and an answer that cites a file."""
    finding = {"file_id": "file-tides", "filename": "tides.txt", "score": 0.87, "text": "High water at noon."}
    results = [finding] if ask.create.is_included("file_search_call.results") else None
    yield Hosted(
        "fs",
        {"type": "file_search_call", "status": "in_progress", "queries": [], "results": None},
        _progress("file_search_call", "in_progress", "searching", "completed"),
        {"type": "file_search_call", "status": "completed", "queries": [ask.text[:80]], "results": results},
    )
    yield Text(
        "The file says: high water at noon.",
        ({"type": "file_citation", "index": 33, "file_id": "file-tides", "filename": "tides.txt"},),
    )


def code_interpreter(ask: Ask, _: Item) -> Iterator[Step]:
    """Some Python in a container, and what it printed."""
    code = "total = sum(range(1, 11))\nprint(total)\n"
    outputs = (
        [{"type": "logs", "logs": "55\n"}]
        if ask.create.is_included("code_interpreter_call.outputs")
        else None
    )
    base = {"type": "code_interpreter_call", "container_id": "cntr_fake"}
    yield Hosted(
        "ci",
        {**base, "status": "in_progress", "code": "", "outputs": None},
        (
            *_progress("code_interpreter_call", "in_progress"),
            *(
                {"type": "response.code_interpreter_call_code.delta", "delta": part}
                for part in re.findall(r"\S+\s*", code)
            ),
            {"type": "response.code_interpreter_call_code.done", "code": code},
            *_progress("code_interpreter_call", "interpreting", "completed"),
        ),
        {**base, "status": "completed", "code": code, "outputs": outputs},
    )
    yield Text("The numbers from 1 to 10 add up to 55.")


def image_generation(_: Ask, tool: Item) -> Iterator[Step]:
    """A picture of one pixel, with as many partial ones as the tool asks for."""
    wanted = tool.get("partial_images", 1)
    count = min(3, wanted) if isinstance(wanted, int) else 1
    partial = [
        {
            "type": "response.image_generation_call.partial_image",
            "partial_image_index": index,
            "partial_image_b64": PIXEL,
            "size": "1024x1024",
            "quality": "low",
            "background": "opaque",
            "output_format": "png",
        }
        for index in range(count)
    ]
    yield Hosted(
        "ig",
        {"type": "image_generation_call", "status": "in_progress", "result": None},
        (
            *_progress("image_generation_call", "in_progress", "generating"),
            *partial,
            *_progress("image_generation_call", "completed"),
        ),
        {"type": "image_generation_call", "status": "completed", "result": PIXEL},
    )


def mcp(ask: Ask, tool: Item) -> Iterator[Step]:
    """The tools of an MCP server, then a call of one, or a request to approve it."""
    label = str(tool.get("server_label", "server"))
    offered = [{"name": "tide", "description": "Tide of a day", "input_schema": {"type": "object"}}]
    approved = [item for item in ask.create.input if item.get("type") == "mcp_approval_response"]
    if not approved:
        fails = "fail" in ask.text.lower()
        yield Hosted(
            "mcpl",
            {"type": "mcp_list_tools", "server_label": label, "tools": []},
            _progress("mcp_list_tools", "in_progress", "failed" if fails else "completed"),
            {
                "type": "mcp_list_tools",
                "server_label": label,
                "tools": [] if fails else offered,
                "error": "The server did not answer." if fails else None,
            },
        )
        if fails:
            yield Text(f"The MCP server {label} did not answer.")
            return
    if tool.get("require_approval", "always") != "never" and not approved:
        yield Hosted(
            "mcpr",
            {},
            (),
            {
                "type": "mcp_approval_request",
                "server_label": label,
                "name": "tide",
                "arguments": '{"day":"today"}',
            },
        )
        return
    if approved and approved[-1].get("approve") is not True:
        yield Text(f"Then I leave {label} alone.")
        return
    arguments = '{"day":"today"}'
    base = {"type": "mcp_call", "server_label": label, "name": "tide"}
    yield Hosted(
        "mcp",
        {**base, "status": "in_progress", "arguments": ""},
        (
            *_progress("mcp_call", "in_progress"),
            {"type": "response.mcp_call_arguments.delta", "delta": arguments[:6]},
            {"type": "response.mcp_call_arguments.delta", "delta": arguments[6:]},
            {"type": "response.mcp_call_arguments.done", "arguments": arguments},
            *_progress("mcp_call", "completed"),
        ),
        {
            **base,
            "status": "completed",
            "arguments": arguments,
            "output": "high water at noon",
            "error": None,
        },
    )
    yield Text(f"{label} says: high water at noon.")


def shell(ask: Ask, tool: Item) -> Iterator[Step]:
    """Two commands; run by the server in a container, or left to the client."""
    commands = _commands(ask.text)
    environment = tool.get("environment")
    is_local = not isinstance(environment, dict) or environment.get("type", "local") == "local"
    moves: list[Item] = []
    for index, command in enumerate(commands):
        spot = {"item_id": None, "command_index": index}
        moves.append({"type": "response.shell_call_command.added", **spot, "command": ""})
        for part in re.findall(r"\S+\s*", command):
            moves.append({"type": "response.shell_call_command.delta", **spot, "delta": part})
        moves.append({"type": "response.shell_call_command.done", **spot, "command": command})
    ran = [{"stdout": f"{command}: done\n", "stderr": ""} for command in commands]
    if not is_local:
        for index, output in enumerate(ran):
            spot = {"command_index": index}
            moves.append({"type": "response.shell_call_output_content.delta", **spot, "delta": output})
            finished = [{**output, "outcome": {"type": "exit", "exit_code": 0}}]
            moves.append({"type": "response.shell_call_output_content.done", **spot, "output": finished})
    where = {"type": "local"} if is_local else {"type": "container_reference", "container_id": "cntr_fake"}
    base = {"type": "shell_call", "environment": where}
    yield Hosted(
        "sh",
        {**base, "status": "in_progress", "action": {"commands": []}},
        tuple(moves),
        {**base, "status": "completed", "action": {"commands": commands, "timeout_ms": 60000}},
        call_prefix="call",
    )
    if not is_local:
        yield Text("Both commands have run.")


def local_shell(ask: Ask, _: Item) -> Iterator[Step]:
    """One command for the client's own shell."""
    action = {
        "type": "exec",
        "command": ["bash", "-lc", _commands(ask.text)[0]],
        "env": {},
        "timeout_ms": 10000,
    }
    item = {"type": "local_shell_call", "action": action}
    yield Hosted(
        "lsh", {**item, "status": "in_progress"}, (), {**item, "status": "completed"}, call_prefix="call"
    )


def apply_patch(_: Ask, __: Item) -> Iterator[Step]:
    """A change to one file, for the client to apply."""
    diff = "@@\n-high water: 11:00\n+high water: 12:00\n"
    item = {"type": "apply_patch_call"}
    operation = {"type": "update_file", "path": "tides.txt"}
    yield Hosted(
        "apc",
        {**item, "status": "in_progress", "operation": {**operation, "diff": ""}},
        (
            *(
                {"type": "response.apply_patch_call_operation_diff.delta", "delta": line}
                for line in diff.splitlines(keepends=True)
            ),
            {"type": "response.apply_patch_call_operation_diff.done", "diff": diff},
        ),
        {**item, "status": "completed", "operation": {**operation, "diff": diff}},
        call_prefix="call",
    )


def computer(_: Ask, __: Item) -> Iterator[Step]:
    """A click on the client's screen, with a safety check to acknowledge."""
    item = {
        "type": "computer_call",
        "action": {"type": "click", "x": 120, "y": 48, "button": "left"},
        "pending_safety_checks": [
            {"id": "cu_sc_1", "code": "unknown_site", "message": "Look before you click."}
        ],
    }
    yield Hosted(
        "cu", {**item, "status": "in_progress"}, (), {**item, "status": "completed"}, call_prefix="call"
    )


def tool_search(ask: Ask, tool: Item) -> Iterator[Step]:
    """A search for tools; run by the client when the tool says so."""
    execution = "client" if tool.get("execution") == "client" else "server"
    item = {"type": "tool_search_call", "execution": execution, "arguments": {"query": ask.text[:80]}}
    yield Hosted(
        "tsc", {**item, "status": "in_progress"}, (), {**item, "status": "completed"}, call_prefix="call"
    )
    if execution == "server":
        found = {"type": "tool_search_output", "execution": "server", "status": "completed", "tools": []}
        yield Hosted("tso", found, (), found)
        yield Text("No tool by that description.")


def _commands(text: str) -> list[str]:
    quoted = re.findall(r"`([^`]+)`", text)
    return quoted[:3] or ["date -u", "ls -l"]


_Use = Callable[[Ask, Item], Iterator[Step]]
#: tool type -> (words that ask for it, what it does)
TOOLS: Mapping[str, tuple[str, _Use]] = MappingProxyType(
    {
        "web_search": (r"search|web|news|latest|look up|online", web_search),
        "web_search_preview": (r"search|web|news|latest|look up|online", web_search),
        "file_search": (r"files?|documents?|search", file_search),
        "code_interpreter": (r"python|code|compute|calculate|plot|sum", code_interpreter),
        "image_generation": (r"draw|image|picture|paint|photo", image_generation),
        "mcp": (r"mcp|tides?|approve", mcp),
        "shell": (r"shell|command|run|terminal|ls|date", shell),
        "local_shell": (r"shell|command|run|terminal|ls|date", local_shell),
        "apply_patch": (r"patch|edit|fix|change|diff", apply_patch),
        "computer": (r"click|screen|computer|screenshot|browser", computer),
        "computer_use_preview": (r"click|screen|computer|screenshot|browser", computer),
        "tool_search": (r"find a tool|tool search|which tool", tool_search),
    }
)


def used(ask: Ask) -> Iterator[Step]:
    """The steps of the first hosted tool that the prompt asks for."""
    choice = ask.create.body.get("tool_choice")
    for tool in ask.tools:
        kind = str(tool.get("type"))
        if kind not in TOOLS:
            continue
        words, use = TOOLS[kind]
        label = re.escape(str(tool.get("server_label") or kind).lower())
        forced = isinstance(choice, dict) and choice.get("type") == kind
        if forced or re.search(rf"\b(?:{words}|{label}|{kind.replace('_', ' ')})\b", ask.text.lower()):
            yield from use(ask, tool)
            return


def resumed(ask: Ask) -> Iterator[Step]:
    """What follows an approval or a refusal of an MCP call; nothing when there was none."""
    if not any(item.get("type") == "mcp_approval_response" for item in ask.create.input):
        return
    tool = next((tool for tool in ask.tools if tool.get("type") == "mcp"), {"server_label": "the server"})
    yield from mcp(ask, tool)
