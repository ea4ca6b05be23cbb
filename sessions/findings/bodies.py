"""Rules about what events say: texts against their deltas, the final object, usage, unknown fields."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from sessions import dialects, events, facts
from sessions.changes import Change, What
from sessions.contract import ANSWERS, DELTAS, DONES, LISTED, Family, Status, family
from sessions.events import Event
from sessions.findings.seen import Claim, Seen, Track
from sessions.items import Item
from sessions.json_kinds import kind_words
from sessions.session import Response, Usage

#: every field that documented events have at their top [SDK]
_FIELDS = frozenset({
    "agent", "annotation", "annotation_index", "arguments", "code", "command", "command_index",
    "content_index", "delta", "diff", "error", "headers", "input", "item", "item_id", "logprobs", "message",
    "name", "obfuscation", "output", "output_index", "param", "part", "partial_image_b64",
    "partial_image_index", "reason", "refusal", "required_input", "response", "response_id",
    "sequence_number", "status",
    "status_code", "steer", "steer_id", "stream_id", "summary_index", "text", "type",
    "background", "output_format", "quality", "size",  # of a partial image
})  # fmt: skip
_NAMED = 5  # unknown fields that evidence names
#: events that name the item which they are a piece of [SDK]
_OF_ITEMS = frozenset(
    name
    for name in (*DELTAS, *DONES, "response.content_part.added", "response.content_part.done")
    if name in LISTED and ".audio." not in name and ".shell_call_command." not in name
)
_STATUSES = {
    "response.completed": ("completed",),
    "response.incomplete": ("incomplete",),
    "response.failed": ("failed", "cancelled"),
}


def look(seen: Seen) -> Iterator[Claim]:
    """What is wrong with the contents of this event."""
    event = seen.event
    if not seen.is_streamed or event is None or event.is_partial:
        return
    track = seen.track
    is_whole = track is None or (track.broken < 0 and track.muddled < 0)  # else it differs for that reason
    for change in seen.changes if is_whole else ():
        if change.what is What.REPLACED:
            yield _mismatch(seen, change)
    is_listed = seen.raw_type in LISTED and seen.raw_type != "error"  # whose shape has rules of its own
    if is_listed and (strange := sorted(seen.body.keys() - _FIELDS)):
        yield Claim("unknown-field", f"{seen.raw_type[:80]} has {', '.join(strange[:_NAMED])[:120]}")
    if seen.raw_type in _OF_ITEMS and event.item_id is None:
        yield _without_item(seen.raw_type, seen.body)
    if track is not None:
        yield from _number(event, track)
        yield from _parts(event, track, is_whole=is_whole)
    if family(event.type) is Family.TERMINAL:
        body = seen.body.get("response")
        if isinstance(body, dict) and seen.response is not None:
            yield from _status(event.type, body)
            yield from _usage(seen, body, seen.response)
            if is_whole:
                yield from _output(seen, body.get("output"), seen.response)
            yield from _calls(seen.response)


def _without_item(event_type: str, body: Mapping[str, Any]) -> Claim:
    """A piece of an item that does not say of which."""
    if "item_id" in body:
        return Claim("item-id-missing", f"{event_type} has item_id {_brief(body['item_id'])}")
    other = next((name for name in body if name.replace("_", "").lower() == "itemid"), "")
    return Claim("item-id-missing", f"{event_type} has no item_id{f', but {other[:40]}' if other else ''}")


def _number(event: Event, track: Track) -> Iterator[Claim]:
    """Whether its sequence_number is one; what is none is not missing, which the turn's end would tell."""
    value = event.body.get("sequence_number")
    if value is None or event.sequence_number is not None:
        return
    track.numbered += 1
    said = f"{event.type[:80]} has {json.dumps(value, default=str)[:40]} ({kind_words(value)})"
    yield Claim("sequence-mistyped", said)


def _parts(event: Event, track: Track, *, is_whole: bool) -> Iterator[Claim]:
    """Whether a text of an announced message was announced as its part."""
    body = event.body
    index = facts.number(body.get("output_index"))
    if event.type == "response.created":
        track.parts = {}
    elif index is None:
        return
    elif event.type == "response.output_item.added":
        item = body.get("item")
        if isinstance(item, dict) and item.get("type") == "message":
            content = item.get("content")
            track.parts[index] = len(content) if isinstance(content, list) else 0
    elif event.type == "response.content_part.added":
        track.parts[index] = track.parts.get(index, 0) + 1
    elif event.type == "response.output_text.done" and is_whole:
        place = facts.number(body.get("content_index")) or 0
        if place >= track.parts.get(index, place + 1):
            said = f"content_index {place} of output_index {index} has a text"
            yield Claim("part-unannounced", f"{said}, and no response.content_part.added")


def _misplaced(streamed: list[Item], output: list[Any]) -> Iterator[Claim]:
    """Whether items stood at another index than they have in a final object that holds the same ones."""
    ids = [facts.word(body.get("id")) if isinstance(body, dict) else "" for body in output]
    by_id = {item.id: item for item in streamed}
    if len(by_id) != len(streamed) or set(ids) != set(by_id) or len(ids) != len(by_id) or "" in by_id:
        return
    for place, name in enumerate(ids):
        if (item := by_id[name]).output_index != place:
            said = f"{name[:80]} was streamed with output_index {item.output_index}, and stands at {place}"
            yield Claim("output-index-wrong", said, (item.added,) if item.added >= 0 else ())
            return


def _status(event_type: str, body: Mapping[str, Any]) -> Iterator[Claim]:
    status = body.get("status")
    if status is not None and status not in _STATUSES.get(event_type, (status,)):
        yield Claim("status-mismatch", f"{event_type} has a response of status {facts.brief(status)[:40]!r}")


def _usage(seen: Seen, body: Mapping[str, Any], response: Response) -> Iterator[Claim]:
    usage = body.get("usage")
    if dialects.CHAT_USAGE in (seen.reading.spellings if seen.reading is not None else ()):
        named = ", ".join(sorted(usage)[:4]) if isinstance(usage, dict) else "other names"
        yield Claim("usage-renamed", f"usage has {named[:120]}")
        return
    if response.status is Status.FAILED:
        return
    counted = facts.usage(usage)
    if counted is None:
        yield Claim("usage-missing", f"{body.get('status') or 'the response'} has usage {_brief(usage)}")
    elif not counted.input_tokens and not counted.output_tokens and response.text:
        yield Claim("usage-missing", "usage counts no tokens, though text came")
    elif _is_off(counted):
        parts = f"input {counted.input_tokens:,}, output {counted.output_tokens:,}"
        yield Claim("usage-sum-wrong", f"{parts}, total {counted.total_tokens:,}")
    turn = seen.turn
    if turn is not None and turn.is_warmup and (response.items or (counted and counted.output_tokens)):
        tokens = counted.output_tokens if counted else None
        yield Claim("warmup-generated", f"items: {len(response.items)}, tokens of output: {tokens or 0}")


def _is_off(counted: Usage) -> bool:
    """Whether the total is another number than the sum, where all three are told."""
    inward, outward, total = counted.input_tokens, counted.output_tokens, counted.total_tokens
    return inward is not None and outward is not None and total is not None and inward + outward != total


def _output(seen: Seen, output: object, response: Response) -> Iterator[Claim]:
    if not isinstance(output, list) or response.status is not Status.COMPLETED:
        return
    streamed = [item for item in response.items if item.done >= 0 and item.done != seen.number]
    if not output and streamed:
        said = f"{_items(len(streamed))} streamed, output is empty"
        yield Claim("final-empty", said, (streamed[0].done,))
        return
    known = {item.id: item for item in streamed if item.id}
    if len(streamed) == len(response.items):
        yield from _misplaced(streamed, output)
    unstreamed = 0
    for body in output:
        if not isinstance(body, dict):
            continue
        item = known.get(facts.word(body.get("id")))
        if item is None:
            unstreamed += 1
        elif difference := _difference(item, body):
            yield Claim("final-mismatch", difference, (item.done,))
    if unstreamed and not any(item.is_announced for item in response.items):
        yield Claim("items-unstreamed", f"of the final object {_items(unstreamed)} not streamed")
    text = _text(output)
    if streamed and text is not None and text != response.text:
        said = f"{len(response.text):,} characters were streamed, output has {len(text):,}"
        yield Claim("final-mismatch", said)
    elif lacking := _lacking(streamed, output):
        said = f"{lacking[0].id[:80] or lacking[0].type} was streamed, output lacks it"
        yield Claim("final-mismatch", said, (lacking[0].done,))


def _items(count: int) -> str:
    return "1 item was" if count == 1 else f"{count:,} items were"


def _mismatch(seen: Seen, change: Change) -> Claim:
    """A text that turned out different, with the record that announced its item."""
    response = seen.response
    item = response.by_id.get(change.item) if response is not None and change.item else None
    if item is None:
        return Claim("text-mismatch", change.detail)
    said = f"{change.detail} (item {item.id[:80]})"
    return Claim("text-mismatch", said, (item.added,) if item.added >= 0 else ())


def _lacking(streamed: list[Item], output: list[Any]) -> list[Item]:
    """The streamed messages and calls that a final object leaves out, as far as their number tells."""
    left = Counter(facts.word(body.get("type")) for body in output if isinstance(body, dict))
    found = {facts.word(body.get("id")) for body in output if isinstance(body, dict)}
    lacking = []
    for kind in ("message", *ANSWERS):
        own = [item for item in streamed if item.type == kind]
        if len(own) > left[kind]:
            lacking += [item for item in own if item.id not in found] or own[-1:]
    return lacking


def _difference(item: Item, body: Mapping[str, Any]) -> str:
    """How a call in the final object differs from the one that was streamed; "" when it does not."""
    if item.type in ("function_call", "custom_tool_call") and body.get("type") == item.type:
        if item.call_id != facts.word(body.get("call_id")):
            return f"call_id {item.call_id[:60]!r} became {facts.brief(body.get('call_id'))[:60]!r}"
        slot = "arguments" if item.type == "function_call" else "input"
        if item.text(slot) != facts.word(body.get(slot)):
            return f"the {slot} of {item.name[:60] or 'a call'} differ"
    return ""


def _calls(response: Response) -> Iterator[Claim]:
    met: dict[str, Item] = {}
    for item in response.items:
        if not item.is_call or not item.call_id:
            continue
        if (before := met.setdefault(item.call_id, item)) is not item:
            yield Claim("call-doubled", f"call_id {item.call_id[:80]} came twice", (before.done, item.done))
        if item.type == "function_call" and response.status is Status.COMPLETED:
            text = item.text("arguments")
            read = events.arguments(text)
            if text and not read.is_complete:
                said = f"{item.name[:60] or 'a call'}: {read.problem[:80]}"
                yield Claim("arguments-broken", said, (item.done,))


def _text(output: list[Any]) -> str | None:
    """The output text of a final object; None when one of its messages cannot be read."""
    pieces: list[str] = []
    for item in output:
        if not isinstance(item, dict):
            return None
        if item.get("type") != "message":
            continue
        content = item.get("content")
        if not isinstance(content, list):
            return None
        pieces += [facts.word(part.get("text")) for part in content if _is_text(part)]
    return "".join(pieces)


def _is_text(part: object) -> bool:
    return isinstance(part, Mapping) and part.get("type") == "output_text"


def _brief(value: object) -> str:
    return "none" if value is None else facts.brief(value)[:40]
