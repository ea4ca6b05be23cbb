"""The full context of a chain: every item that was sent and answered, in order, ready to be sent again.

Its one rule: output items come from `response.output_item.done` (or the final response), never from
`.added`, whose encrypted reasoning may be incomplete. What cannot be carried is left out and said.
It reads records through a function it is given and opens nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from sessions.bodies import whole_of
from sessions.contract import Status
from sessions.dialects import create_fields, read, response_of
from sessions.events import Event, Undecodable
from sessions.facts import word
from sessions.items import Item
from sessions.records import Record
from sessions.reducer import Sessions
from sessions.session import Response, Turn

ReadRecord: TypeAlias = Callable[[int], Record]

#: keys that output items carry and input items do not know [SDK]
_OUTPUT_ONLY = frozenset({"created_by", "parsed", "parsed_arguments"})
#: nullable keys that an input item must carry all the same [SDK]
_KEPT_NULL = frozenset({"result"})
ENCRYPTED_REASONING = "reasoning.encrypted_content"


class Replay(NamedTuple):
    """The items of a chain and what had to be left out, in sentences."""

    items: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]
    is_complete: bool  #: nothing that was said is missing; reasoning may be

    @property
    def size(self) -> int:
        """Bytes of the items as they would stand in a frame."""
        text = json.dumps(self.items, ensure_ascii=False, separators=(",", ":"))
        return len(text.encode(errors="replace"))


class _Gaps:
    """What a replay could not carry."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.is_complete = True

    def miss(self, sentence: str) -> None:
        self.is_complete = False
        self.note(sentence)

    def note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)


def full_replay(sessions: Sessions, turn: Turn, read_record: ReadRecord) -> Replay:
    """Every input and output item from the root of the chain to the end of this turn's response."""
    gaps = _Gaps()
    items: list[dict[str, Any]] = []
    chain = sessions.chain(turn)
    if (root := chain[0]).parent:
        gaps.miss(
            f"T{root.number} went on from {root.parent}, which this recording has not seen: "
            "the beginning of the chain is missing."
        )
    for link in chain:
        items += _steers(sessions, link, read_record)
        items += _sent(link, read_record, gaps)
        if (response := link.response) is not None:
            items += _answered(link, response, read_record, gaps)
        if link.is_live:
            gaps.miss(f"T{link.number} is still running: what it has not said yet is missing.")
    if calls := (turn.response.pending_calls if turn.response else ()):
        waits = "1 call waits" if len(calls) == 1 else f"{len(calls)} calls wait"
        gaps.note(f"{waits} for an answer: the answers must follow in the same frame.")
    return Replay(tuple(items), tuple(gaps.notes), gaps.is_complete)


def sent_items(fields: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """The `input` of a create as items; a plain string is one user message."""
    value = fields.get("input")
    if isinstance(value, str):
        return (user_message(value),) if value else ()
    if not isinstance(value, list):
        return ()
    return tuple(dict(item) for item in value if isinstance(item, dict))


def user_message(text: str, parts: tuple[Mapping[str, Any], ...] = ()) -> dict[str, Any]:
    """A user message of one text and further parts, images or files."""
    content: list[Mapping[str, Any]] = [{"type": "input_text", "text": text}] if text else []
    return {"type": "message", "role": "user", "content": [*content, *parts]}


def create_of(turn: Turn, read_record: ReadRecord) -> Mapping[str, Any] | None:
    """The fields of the create that began this turn, flat; None when nobody sent one that can be read."""
    if turn.create < 0:
        return None
    event = whole_of(read_record(turn.create))
    return None if isinstance(event, Undecodable) else create_fields(event.body)[0]


def _sent(turn: Turn, read_record: ReadRecord, gaps: _Gaps) -> Iterator[dict[str, Any]]:
    fields = create_of(turn, read_record)
    if fields is None:
        if not turn.is_steered:
            gaps.miss(f"Nobody sent a create for T{turn.number}: what it answered is not known.")
        return
    for key in ("conversation", "prompt"):
        if fields.get(key):
            gaps.miss(f"T{turn.number} used `{key}`: what the server kept under it is not in this recording.")
    yield from sent_items(fields)


def _steers(sessions: Sessions, turn: Turn, read_record: ReadRecord) -> Iterator[dict[str, Any]]:
    """The texts of steers that this turn is the answer to; the server puts them before its input [STEER]."""
    parent = sessions.turn(turn.parent_turn)
    if parent is None or not parent.steers:
        return
    children = [child for child in sessions.children(parent) if child.session == parent.session]
    heirs = [child for child in children if child.is_steered] or [
        child for child in children if child.lane == parent.lane
    ]
    if not heirs or heirs[0] is not turn:
        return
    for steer in parent.steers:
        if steer.state != "applied":
            continue
        event = whole_of(read_record(steer.record))
        body: Mapping[str, Any] = {} if isinstance(event, Undecodable) else event.body
        if event_input := sent_items(body):
            yield from event_input
        elif steer.text:
            yield user_message(steer.text)


def _answered(
    turn: Turn, response: Response, read_record: ReadRecord, gaps: _Gaps
) -> Iterator[dict[str, Any]]:
    if response.status in (Status.CUT, Status.FAILED, Status.ERRORED):
        gaps.miss(f"T{turn.number} did not end well: only its finished items are kept.")
    bodies: list[dict[str, Any]] = []
    for item in response.items:
        body = _final_body(item, read_record)
        if body is None:
            gaps.miss(f"An item of T{turn.number} ({item.type or 'of unknown type'}) was never finished.")
        else:
            bodies.append(body)
    kept, is_reasoning_lost = carried(bodies)
    if is_reasoning_lost:
        gaps.note(
            f"T{turn.number} has reasoning without encrypted_content, which a server cannot take back: "
            f"it is left out. Ask for it with include {ENCRYPTED_REASONING} from the first turn on."
        )
    yield from kept


def carried(bodies: Iterable[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], bool]:
    """A response's output items as items to send again, and whether reasoning had to be left out."""
    items = [as_input(body) for body in bodies]
    if not any(_is_lost(item) and not item.get("content") for item in items):
        return items, False
    kept = [item for item in items if not _is_lost(item)]
    for item in kept:
        item.pop("id", None)  # an id would make the server look for the reasoning that belonged to it
    return kept, True


def _is_lost(item: Mapping[str, Any]) -> bool:
    return item.get("type") == "reasoning" and not item.get("encrypted_content")


def _final_body(item: Item, read_record: ReadRecord) -> dict[str, Any] | None:
    if item.done < 0:
        return None
    found = whole_of(read_record(item.done))
    if isinstance(found, Undecodable):
        return as_input(item.body) if item.body else None
    event = read(found).event
    body = event.body.get("item")
    if not isinstance(body, dict):
        body = _from_output(event, item)
    return as_input(body) if isinstance(body, dict) else None


def _from_output(event: Event, item: Item) -> object:
    output = response_of(event).get("output")
    bodies = [body for body in output if isinstance(body, dict)] if isinstance(output, list) else []
    for body in bodies:
        if item.id and word(body.get("id")) == item.id:
            return body
    return bodies[item.output_index] if 0 <= item.output_index < len(bodies) else None


def as_input(body: Mapping[str, Any]) -> dict[str, Any]:
    """An output item as an input item: without the keys that only outputs know."""
    return {
        key: value
        for key, value in body.items()
        if key not in _OUTPUT_ONLY and (value is not None or key in _KEPT_NULL)
    }
