"""A turn as blocks: what was asked, what came, how it ended; pure, from state and the record of its create.

Its one rule: nothing is dropped. An item of an unknown type is a block of its own, an ending that nobody sent
is one too. A block's text is the growing text itself, never a copy of it, unless it came whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from sessions import events
from sessions.contract import Status
from sessions.dialects import create_fields
from sessions.events import Arguments, Event, Undecodable
from sessions.items import Item, Part
from sessions.reducer import Sessions
from sessions.session import Response, Turn
from sessions.wording import Role, Saying, asked, footnote, results_of, role_of, size_words, title_of
from tui.wrap import Fixed, Growing, Joined

Read = Callable[[int], Event | Undecodable]
Check = Callable[[Mapping[str, Any], Any], tuple[str, ...]]

_PARSED = 1 << 16  # characters of arguments that are parsed again while they grow
_PRETTY = 40  # characters; longer arguments are shown on lines of their own, where nothing is cut
_MANY_ITEMS = 12  # a longer input is a replay: what went before is one folded block
_FEW = 5  # irregular moves told in a turn; the stats list all of them

INCOMPLETE: Mapping[str, str] = {
    "max_output_tokens": "the limit of output tokens was reached",
    "max_messages": "the limit of messages was reached",
    "content_filter": "a content filter stopped it",
    "steered": "a steer took over; the next turn follows by itself",
}
_STEERS: Mapping[str, str] = {
    "sent": "sent, the server has not answered",
    "accepted": "accepted, not applied yet",
    "pending": "pending: it waits for the answers to open calls",
    "failed": "failed",
    "applied": "applied",
}
_SLOT_ROLES: Mapping[str, Role] = {"refusal": Role.REFUSAL}


class Block(NamedTuple):
    """One part of a turn on screen: a label, a title row where it has one, a text, rows at its foot."""

    key: Hashable  #: stable while the turn grows
    role: Role
    title: str = ""
    text: Growing | None = None
    note: str = ""  #: ids and states, at the right of the title
    feet: tuple[str, ...] = ()
    record: int = -1  #: where it came from, when the text does not say
    is_live: bool = False
    is_folded: bool = False  #: unless a person unfolds it
    is_pending: bool = False  #: it waits for a person
    is_markdown: bool = False


def blocks_of(sessions: Sessions, turn: Turn, read: Read, check: Check | None = None) -> list[Block]:
    """All blocks of a turn in the order of the conversation."""
    fields = _fields(turn, read)
    out = [*_asked_blocks(sessions, turn, fields, read)]
    for number, response in enumerate(turn.responses):
        if number:
            text = f"the server began again as {response.id or 'a response without id'}"
            out.append(Block((number, "again"), Role.NOTE, text, record=response.first))
        for index, item in enumerate(response.items):
            out.extend(_item_blocks(turn, response, item, (number, index), fields, read, check))
    out.extend(_ending_blocks(sessions, turn))
    return out


def _fields(turn: Turn, read: Read) -> Mapping[str, Any]:
    event = read(turn.create) if turn.create >= 0 else None
    return create_fields(event.body)[0] if isinstance(event, Event) else {}


# What was asked ----------------------------------------------------------------------------------------


def _asked_blocks(sessions: Sessions, turn: Turn, fields: Mapping[str, Any], read: Read) -> Iterator[Block]:
    record = turn.create
    if turn.is_steered:
        yield Block("steered", Role.STEER, f"T{turn.parent_turn} was steered: this turn began by itself")
    elif turn.is_forced:
        yield Block("forced", Role.NOTE, "nobody asked for this response on this socket")
    if turn.is_warmup:
        yield Block("warm-up", Role.NOTE, "warm-up: no answer is generated, only state", record=record)
    event = read(record) if record >= 0 else None
    if isinstance(event, Event) and event.is_partial:
        yield Block("large", Role.NOTE, "a very large frame: only its beginning is shown here", record=record)
    instructions = fields.get("instructions")
    if (
        isinstance(instructions, str)
        and instructions
        and not _is_repeated(sessions, turn, instructions, read)
    ):
        text = Fixed(instructions, record)
        yield Block("instructions", Role.SYSTEM, "instructions", text, record=record, is_folded=True)
    sayings = asked(fields)
    if len(sayings) > _MANY_ITEMS or turn.resent_turn:
        new = _first_new(sayings)
        if new > 1:
            yield _earlier(sayings[:new], record)
            sayings = sayings[new:]
    for index, saying in enumerate(sayings):
        yield _asked_block(sessions, turn, saying, index, record)


def _is_repeated(sessions: Sessions, turn: Turn, instructions: str, read: Read) -> bool:
    parent = sessions.turn(turn.follows)
    return parent is not None and _fields(parent, read).get("instructions") == instructions


def _first_new(sayings: tuple[Saying, ...]) -> int:
    """Where the newest words of the person begin, in an input that replays what went before."""
    index = len(sayings)
    while index and sayings[index - 1].role in (Role.YOU, Role.REPLY):
        index -= 1
    return index


def _earlier(sayings: tuple[Saying, ...], record: int) -> Block:
    lines = (f"{one.role}: {one.title} {one.text}".strip() for one in sayings)
    title = f"{len(sayings)} items of earlier turns, sent again"
    return Block(
        "earlier", Role.EARLIER, title, Fixed("\n".join(lines), record), record=record, is_folded=True
    )


def _asked_block(sessions: Sessions, turn: Turn, saying: Saying, index: int, record: int) -> Block:
    title, note = saying.title, saying.note
    if saying.role is Role.REPLY:
        call = sessions.calls.get(saying.note)
        if call is not None and call.name:
            title = f"{title} to {call.name}".strip() if title else f"to {call.name}"
        title = title or "to a call that this recording has not seen"
    folded = saying.role in (Role.SYSTEM, Role.EARLIER, Role.ITEM)
    text = Fixed(saying.text, record) if saying.text else None
    return Block(("asked", index), saying.role, title, text, note, record=record, is_folded=folded)


# What came ---------------------------------------------------------------------------------------------


def _item_blocks(
    turn: Turn,
    response: Response,
    item: Item,
    key: tuple[int, int],
    fields: Mapping[str, Any],
    read: Read,
    check: Check | None,
) -> Iterator[Block]:
    role = role_of(item.type)
    body = _body(item, read)
    is_live = response.is_live and item.done < 0
    record = item.added if item.added >= 0 else item.done
    if role in (Role.MODEL, Role.THINK):
        yield from _spoken_blocks(item, role, key, is_live, record, body)
        return
    parts = [part for part in item.parts.values() if len(part.text)]
    title, text, feet = _streamed(item, parts, body, record, fields, check)
    results = results_of(item, body)
    if results and text is None:
        text = Fixed(results, item.done if item.done >= 0 else record)
    yield Block(
        key, role, title, text, _state(turn, item, is_live), feet, record, is_live,
        is_pending=item.is_pending and item.done >= 0,
    )  # fmt: skip
    if results and parts:
        yield Block((key, "results"), Role.REPLY, "", Fixed(results, item.done), record=item.done)


def _body(item: Item, read: Read) -> Mapping[str, Any]:
    """The newest object of an item; a large one, which the state does not keep, is read from its record."""
    if item.body or item.done < 0:
        return item.body
    event = read(item.done)
    if isinstance(event, Event):
        if isinstance(body := event.body.get("item"), dict):
            return body
        response = event.body.get("response")
        output = response.get("output") if isinstance(response, dict) else None
        if isinstance(output, list) and item.output_index < len(output):
            found = output[item.output_index]
            return found if isinstance(found, dict) else {}
    return {}


def _spoken_blocks(
    item: Item, role: Role, key: tuple[int, int], is_live: bool, record: int, body: Mapping[str, Any]
) -> Iterator[Block]:
    parts = sorted((part for part in item.parts.values() if len(part.text)), key=lambda one: one.index)
    for part in parts:
        own = _SLOT_ROLES.get(part.slot, role)
        yield Block(
            (key, part.slot, part.index), own, "", part.text, record=record,
            feet=tuple(f"[{n}] {footnote(one)}" for n, one in enumerate(part.annotations, 1)),
            is_live=is_live and not part.is_done, is_folded=own is Role.THINK and not is_live,
            is_markdown=own is Role.MODEL and part.text.is_final,
        )  # fmt: skip
    if not parts and role is Role.THINK:
        sealed = body.get("encrypted_content")
        kept = f", encrypted content {size_words(len(sealed))}" if isinstance(sealed, str) and sealed else ""
        title = "thinking, nothing to read yet" if is_live else f"thought without words{kept}"
        yield Block(key, role, title, record=record, is_live=is_live)
    elif not parts and not is_live and item.done >= 0:
        yield Block(key, role, "(a message without text)", record=record)


def _streamed(
    item: Item,
    parts: list[Part],
    body: Mapping[str, Any],
    record: int,
    fields: Mapping[str, Any],
    check: Check | None,
) -> tuple[str, Growing | None, tuple[str, ...]]:
    title = title_of(item, body)
    if not parts:
        return title, None, ()
    if item.type not in ("function_call", "mcp_call"):
        parts.sort(key=lambda one: (one.slot, one.index))
        text: Growing = parts[0].text if len(parts) == 1 else Joined(tuple(part.text for part in parts))
        return title, text, ()
    part = parts[0]
    size = len(part.text)
    if not part.is_done:
        word = "so far"
        if size <= _PARSED:
            valid = events.arguments(str(part.text)).is_complete
            word = "so far, valid JSON already" if valid else "so far, not yet valid JSON"
        return title, part.text, (f"{size:,} characters {word}",)
    if size > _PARSED:
        return title, part.text, (f"{size:,} characters, too long to be checked here",)
    raw = str(part.text)
    read_back, pretty = _finished(raw)
    if not read_back.is_complete:
        return title, part.text, (f"not valid JSON: {read_back.problem}",)
    feet = _checked(item.name, read_back.value, fields, check)
    if size <= _PRETTY and "\n" not in raw:
        return f"{title}({raw})", None, feet
    return title, Fixed(pretty, item.done if item.done >= 0 else record), feet


@lru_cache(maxsize=128)
def _finished(raw: str) -> tuple[Arguments, str]:
    """Finished arguments, read and written on lines of their own; kept, because a running turn asks often."""
    read_back = events.arguments(raw)
    return read_back, json.dumps(
        read_back.value, ensure_ascii=False, indent=2
    ) if read_back.is_complete else ""


def _checked(name: str, value: Any, fields: Mapping[str, Any], check: Check | None) -> tuple[str, ...]:
    tools = fields.get("tools")
    for tool in tools if isinstance(tools, list) else ():
        if isinstance(tool, dict) and check is not None:
            nested = tool.get("function")
            plain = nested if isinstance(nested, dict) else tool
            schema = plain.get("parameters")
            if plain.get("name") == name and isinstance(schema, dict):
                problems = check(schema, value)
                return tuple(f"against the schema: {one}" for one in problems) or ("schema ok",)
    return ()


def _state(turn: Turn, item: Item, is_live: bool) -> str:
    words = [item.call_id or (item.id if item.type == "mcp_approval_request" else "")]
    if is_live:
        words.append(item.progress or "streaming")
    elif item.done < 0 and turn.status is Status.CUT:
        words.append("cut")
    elif item.answered >= 0:
        words.append("answered by you" if item.answered_by == "client" else "answered by the server")
    elif item.is_pending:
        words.append("PENDING")
    elif item.status not in ("completed", "in_progress", ""):
        words.append(item.status)
    elif item.progress and not item.progress.startswith("partial"):
        words.append(item.progress)
    if item.images:
        words.append(f"{item.images} partial image{'s' if item.images > 1 else ''}")
    return "  ".join(dict.fromkeys(word for word in words if word))


# How it ended ------------------------------------------------------------------------------------------


def _ending_blocks(sessions: Sessions, turn: Turn) -> Iterator[Block]:
    for index, steer in enumerate(turn.steers):
        note = _STEERS.get(steer.state, steer.state) + (f": {steer.reason}" if steer.reason else "")
        text = Fixed(steer.text, steer.record) if steer.text else None
        yield Block(("steer", index), Role.STEER, "steer", text, note, record=steer.record)
    response = turn.response
    last = response.last if response else turn.create
    failure = turn.failure or (response.failure if response else None)
    if failure is not None:
        status = f"  status {failure.status}" if failure.status else ""
        param = f"  param {failure.param}" if failure.param else ""
        title = f"{failure.code or failure.type or 'error'}{status}{param}"
        yield Block("error", Role.ERROR, title, Fixed(failure.message, last), record=last)
    elif turn.status in (Status.FAILED, Status.ERRORED):
        yield Block("error", Role.ERROR, f"{turn.status}, without a reason", record=last)
    if response is not None and response.incomplete_reason:
        reason = response.incomplete_reason
        meaning = INCOMPLETE.get(reason, "a reason that the contract does not list")
        yield Block("incomplete", Role.CUT, f"incomplete: {reason} ({meaning})", record=last)
    if turn.status is Status.CUT:
        session = sessions.sessions.get(turn.session)
        end = session.end_record if session else -1
        yield Block("cut", Role.CUT, "the socket ended before the answer did", record=end)
    elif turn.status is Status.SENT:
        yield Block("sent", Role.NOTE, _waiting_words(sessions, turn), record=turn.create, is_live=True)
    elif response is not None and response.is_live and not response.items:
        yield Block("begun", Role.NOTE, "begun, nothing said yet", record=response.first, is_live=True)
    elif (
        response is not None and not response.items and turn.status is Status.COMPLETED and not turn.is_warmup
    ):
        yield Block("empty", Role.NOTE, "completed without any output", record=last)
    yield from _oddities(response)


def _waiting_words(sessions: Sessions, turn: Turn) -> str:
    session = sessions.sessions.get(turn.session)
    lane = session.lanes.get(turn.lane) if session else None
    if lane is not None and lane.open is not None:
        where = f"lane {lane.id}" if lane.id else "the default lane"
        return f"queued on {where} behind T{lane.open.turn}"
    if lane is not None and lane.waiting and lane.waiting[0] is not turn:
        return f"queued behind T{lane.waiting[0].number}"
    return "sent, nothing came back yet"


def _oddities(response: Response | None) -> Iterator[Block]:
    if response is None:
        return
    for index, (record, detail) in enumerate(response.irregular[:_FEW]):
        title = f"irregular: {detail} (#{record})"
        yield Block(("irregular", index), Role.NOTE, title, record=record)
    if (more := len(response.irregular) - _FEW) > 0:
        yield Block("irregular more", Role.NOTE, f"irregular: {more} more, see the stats")
    if response.dialects:
        spelled = ", ".join(sorted(response.dialects))
        yield Block("dialects", Role.NOTE, f"dialect: {spelled}", record=response.first)
