"""A conversation as Markdown, for a file, a report or a clipboard.

Its one rule: nothing that came from remote can act in the document. Every text stands in a fence longer than
any inside it, every id in a code span; headings are ours alone; keys and account ids are masked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from sessions import events, redact
from sessions.bodies import whole_of
from sessions.contract import Status
from sessions.dialects import create_fields
from sessions.events import Event
from sessions.items import Item
from sessions.records import Record
from sessions.reducer import Sessions
from sessions.safe import safe, safe_line
from sessions.session import Response, Turn, Usage
from sessions.wording import Role, asked, footnote, results_of, role_of, title_of

Read = Callable[[int], Record]

_BACKTICKS = re.compile("`+")
_WORDS: Mapping[Role, str] = {
    Role.YOU: "You",
    Role.SYSTEM: "System",
    Role.EARLIER: "Sent again",
    Role.REPLY: "Reply",
    Role.THINK: "Thinking",
    Role.TOOL: "Tool call",
    Role.MODEL: "Model",
    Role.REFUSAL: "Refusal",
    Role.SEARCH: "Search",
    Role.CODE: "Code",
    Role.IMAGE: "Image",
    Role.MCP: "MCP",
    Role.SHELL: "Shell",
    Role.PATCH: "Patch",
    Role.COMPACT: "Compaction",
    Role.ITEM: "Item",
}


def markdown(sessions: Sessions, recording_record: Read, turns: Iterable[Turn]) -> str:
    """These turns as one Markdown document; `recording_record` gives a record by its number."""
    told = tuple(turns)
    pieces = ["# Conversation\n"]
    for number in dict.fromkeys(turn.session for turn in told):
        session = sessions.sessions.get(number)
        if session is not None and session.url:
            route = f", {_line(session.route)}" if session.route else ""
            pieces.append(f"Session {number}: {_code(session.url)}{route}\n")
    for turn in told:
        pieces.extend(_turn(sessions, turn, recording_record))
    return "\n".join(pieces)


def _turn(sessions: Sessions, turn: Turn, read: Read) -> Iterator[str]:
    parent = f", continues T{turn.parent_turn}" if turn.parent_turn else ""
    if not parent and turn.parent:
        parent = f", continues {_code(turn.parent)}"
    if not parent and turn.resent_turn:
        parent = f", sends the history of T{turn.resent_turn} again"
    lane = f", lane {_code(turn.lane)}" if turn.lane is not None else ""
    name = f" {_code(turn.response_id)}" if turn.response_id else ""
    yield f"## T{turn.number}{name}{parent}{lane}: {turn.status.value}\n"
    fields = _fields(turn.create, read)
    if turn.is_steered:
        yield "It began by itself, because the turn before was steered.\n"
    if turn.is_warmup:
        yield "A warm-up: no answer was asked for.\n"
    instructions = fields.get("instructions")
    if isinstance(instructions, str) and instructions:
        yield f"**Instructions**\n\n{fence(instructions)}"
    for saying in asked(fields):
        note = f" {_code(saying.note)}" if saying.note else ""
        title = f" {_code(saying.title)}" if saying.title else ""
        yield f"**{_WORDS.get(saying.role, 'Item')}**{title}{note}\n\n{fence(saying.text)}"
    for response in turn.responses:
        for item in response.items:
            yield from _item(item, response, read)
    yield from _ending(turn)


def _fields(record: int, read: Read) -> Mapping[str, Any]:
    event = whole_of(read(record)) if record >= 0 else None
    return create_fields(event.body)[0] if isinstance(event, Event) else {}


def _item(item: Item, response: Response, read: Read) -> Iterator[str]:
    role = role_of(item.type)
    body = item.body or _body(item, read)
    title = title_of(item, body)
    note = f" {_code(item.call_id)}" if item.call_id else ""
    heading = f" {_code(title)}" if title else ""
    state = "" if item.done >= 0 else ", unfinished"
    parts = sorted(
        (part for part in item.parts.values() if len(part.text)), key=lambda one: (one.slot, one.index)
    )
    if not parts and role is not Role.THINK:
        yield f"**{_WORDS[role]}**{heading}{note}{state}\n"
    for part in parts:
        own = Role.REFUSAL if part.slot == "refusal" else role
        text = str(part.text)
        language = "markdown" if own is Role.MODEL else ""
        if part.slot == "arguments" and (read_back := events.arguments(text)).is_complete:
            text, language = json.dumps(read_back.value, ensure_ascii=False, indent=2), "json"
        yield f"**{_WORDS[own]}**{heading}{note}{state}\n\n{fence(text, language)}"
        if part.annotations:
            yield "".join(
                f"- [{number}] {_code(footnote(one))}\n" for number, one in enumerate(part.annotations, 1)
            )
    if results := results_of(item, body):
        yield f"**Result**\n\n{fence(results)}"
    if item.is_pending and not response.is_live:
        yield "Nobody has answered this call.\n"


def _body(item: Item, read: Read) -> Mapping[str, Any]:
    """The object of an item that was too large to be kept, read from its record."""
    event = whole_of(read(item.done)) if item.done >= 0 else None
    body = event.body.get("item") if isinstance(event, Event) else None
    return body if isinstance(body, dict) else {}


def _ending(turn: Turn) -> Iterator[str]:
    for steer in turn.steers:
        reason = f" ({_code(steer.reason)})" if steer.reason else ""
        yield f"**Steer**, {steer.state}{reason}\n\n{fence(steer.text)}"
    if (failure := turn.failure) is not None:
        status = f" status {failure.status}" if failure.status else ""
        name = _code(failure.code or failure.type or "error")
        yield f"**Error** {name}{status}\n\n{fence(failure.message)}"
    response = turn.response
    if response is not None and response.incomplete_reason:
        yield f"Incomplete: {_code(response.incomplete_reason)}\n"
    if turn.status is Status.CUT:
        yield "The socket ended before the answer did.\n"
    if response is not None and response.usage is not None:
        yield f"_{usage_words(response.usage)}_\n"


def usage_words(usage: Usage) -> str:
    """Tokens in one line of words."""
    words = []
    if usage.input_tokens is not None:
        cached = f" ({usage.cached_tokens:,} cached)" if usage.cached_tokens else ""
        words.append(f"{usage.input_tokens:,} tokens in{cached}")
    if usage.output_tokens is not None:
        thought = f" ({usage.reasoning_tokens:,} reasoning)" if usage.reasoning_tokens else ""
        words.append(f"{usage.output_tokens:,} out{thought}")
    return ", ".join(words) or "no usage told"


def fence(text: str, language: str = "") -> str:
    """A text between fences that it cannot close; "" for no text."""
    if not text:
        return ""
    shown = safe(redact.screen(text))
    longest = max(map(len, _BACKTICKS.findall(shown)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}{language}\n{shown}{'' if shown.endswith(chr(10)) else chr(10)}{ticks}\n"


def _line(text: str) -> str:
    """Words of our own making, on one line; anything that could be markup is taken as a code span."""
    shown = safe_line(redact.screen(text), 200)
    return shown if re.fullmatch(r"[A-Za-z0-9 .,:/()-]*", shown) else _code(text)


def _code(text: str) -> str:
    """A short remote text as a code span that it cannot leave."""
    shown = safe_line(redact.screen(text), 300)
    longest = max(map(len, _BACKTICKS.findall(shown)), default=0)
    if not longest:
        return f"`{shown}`"
    ticks = "`" * (longest + 1)
    return f"{ticks} {shown} {ticks}"
