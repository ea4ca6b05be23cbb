"""Rules about what events say: texts against their deltas, the final object, usage, unknown fields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from sessions import dialects, events, facts
from sessions.changes import Change, What
from sessions.contract import ANSWERS, LISTED, Family, Status, family
from sessions.findings.seen import Claim, Seen
from sessions.items import Item
from sessions.session import Response

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
    if family(event.type) is Family.TERMINAL:
        body = seen.body.get("response")
        if isinstance(body, dict) and seen.response is not None:
            yield from _status(event.type, body)
            yield from _usage(seen, body, seen.response)
            if is_whole:
                yield from _output(seen, body.get("output"), seen.response)
            yield from _calls(seen.response)


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
    turn = seen.turn
    if turn is not None and turn.is_warmup and (response.items or (counted and counted.output_tokens)):
        tokens = counted.output_tokens if counted else None
        yield Claim("warmup-generated", f"items: {len(response.items)}, tokens of output: {tokens or 0}")


def _output(seen: Seen, output: object, response: Response) -> Iterator[Claim]:
    if not isinstance(output, list) or response.status is not Status.COMPLETED:
        return
    streamed = [item for item in response.items if item.done >= 0 and item.done != seen.number]
    if not output and streamed:
        said = f"{_items(len(streamed))} streamed, output is empty"
        yield Claim("final-empty", said, (streamed[0].done,))
        return
    known = {item.id: item for item in streamed if item.id}
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
