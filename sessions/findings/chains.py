"""Rules about the chain: parents lost, changed or forgotten, settings changed, the shape of creates."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sessions import dialects, facts
from sessions.contract import PARENT_NOT_FOUND, TERMINAL, Family, Status, family
from sessions.events import Event
from sessions.findings.seen import Claim, Seen
from sessions.records import Direction, Kind
from sessions.session import Response, Turn

_LOST_SHARE = 0.5  # of the parent's input; what a server may leave out (old reasoning) is less
_LEAST_TOKENS = 8
_ECHOED = ("store", "max_output_tokens", "temperature", "top_p", "parallel_tool_calls")


def look(seen: Seen) -> Iterator[Claim]:
    """What this record says about its chain."""
    turn = seen.turn
    if turn is None:
        return
    if seen.record.direction is Direction.CLIENT:
        if turn.create == seen.number and type(seen.raw) is Event:
            yield from _create(seen, turn, seen.raw)
        return
    event = seen.event
    if event is not None and event.type == "response.created":
        yield from _began(seen, turn)
    elif event is not None and event.type in TERMINAL:
        if (response := seen.response) is not None and response.status is Status.COMPLETED:
            yield from _forgotten(seen, turn, response)
    elif seen.record.kind is Kind.RESPONSE or (event is not None and family(event.type) is Family.ERROR):
        yield from _refused(seen, turn)


def _refused(seen: Seen, turn: Turn) -> Iterator[Claim]:
    if turn.failure is None or turn.failure.code != PARENT_NOT_FOUND or not turn.parent:
        return
    parent = seen.state.turn(turn.parent_turn)
    if parent is not None and parent.session != turn.session and not _is_stored(parent):
        said = f"{turn.parent[:80]} was made on socket {parent.session} with store false"
        yield Claim("parent-of-other-socket", said, (parent.create,) if parent.create >= 0 else ())
    elif parent is not None and parent.session != turn.session and _is_said_to_be_stored(parent):
        said = (
            f"{turn.parent[:80]} was made on socket {parent.session} and stored; not known on {turn.session}"
        )
        yield Claim("stored-parent-lost", said, (turn.create,))
    else:
        yield Claim(
            "parent-lost", f"{turn.parent[:80]} is not known on socket {turn.session}", (turn.create,)
        )


def _is_stored(turn: Turn) -> bool:
    echoed = turn.response.store if turn.response is not None else None
    return turn.store if echoed is None else echoed


def _is_said_to_be_stored(turn: Turn) -> bool:
    response = turn.response
    return response is not None and response.status is Status.COMPLETED and response.store is True


def _create(seen: Seen, turn: Turn, event: Event) -> Iterator[Claim]:
    fields, spellings = dialects.create_fields(event.body)
    if seen.is_frame and dialects.NESTED_CREATE in spellings:
        yield Claim("create-nested", "the parameters stand under response")
    if dialects.CHAT_TOOLS in spellings:
        yield Claim("chat-tools", "a tool nests its schema under function")
    if seen.is_frame and fields.get("background") is True:
        yield Claim("background-field", "background: true")
    if not event.is_partial:
        track = seen.memory.track(turn.number)
        track.overhead = _overhead(fields)
        track.asked = {name: fields[name] for name in _ECHOED if isinstance(fields.get(name), int | float)}


def _overhead(fields: Mapping[str, Any]) -> int:
    """Characters of what a create says beside its input; the input's own belong to the chain."""
    try:
        tools = json.dumps(fields.get("tools") or [], default=str)
    except (ValueError, RecursionError):  # nested as no tool is
        return -1
    return len(tools) + len(facts.word(fields.get("instructions")))


def _began(seen: Seen, turn: Turn) -> Iterator[Claim]:
    response = seen.response
    body = seen.body.get("response")
    if response is None or not isinstance(body, dict):
        return
    if not response.id:
        yield Claim("id-missing", "response.created has no id")
    if turn.create < 0:
        return
    if turn.parent and response is turn.responses[0]:
        yield from _parent(seen, turn, turn.parent, body)
    maker = seen.state.turn(seen.memory.manners(turn.session).made.setdefault(response.id, turn.number))
    if response.id and maker is not None and maker is not turn:
        records = (maker.responses[0].first,) if maker.responses else ()
        yield Claim("id-repeated", f"{response.id[:80]} was T{maker.number}'s already", records)
    yield from _settings(seen, turn, body)


def _parent(seen: Seen, turn: Turn, parent: str, body: Mapping[str, Any]) -> Iterator[Claim]:
    echoed = body.get("previous_response_id")
    if "previous_response_id" in body and echoed != parent:
        said = f"sent {parent[:80]}, echoed {facts.brief(echoed)[:80]}"
        yield Claim("parent-not-echoed", said, (turn.create,))
    made = seen.state.turn(turn.parent_turn)
    if made is None or _is_stored(made):
        return
    evicted = seen.session.evicted.get(parent, turn.create)
    if evicted < turn.create:
        said = f"a continuation of {parent[:80]} had failed, and another one is answered"
        yield Claim("no-eviction", said, (evicted, turn.create))
    if made.session != turn.session and not (made.store and turn.store):
        said = f"{parent[:80]} was made on socket {made.session} with store false, and goes on here"
        yield Claim("unstored-parent-used", said, (made.create,) if made.create >= 0 else ())


def _settings(seen: Seen, turn: Turn, body: Mapping[str, Any]) -> Iterator[Claim]:
    create = seen.memory.track(turn.number).asked
    changed = [
        f"{name} {facts.brief(create[name])[:40]} -> {facts.brief(body[name])[:40]}"
        for name in _ECHOED
        if name in create and body.get(name) not in (None, create[name])
    ]
    if changed:
        yield Claim("settings-changed", ", ".join(changed), (turn.create,))


def _forgotten(seen: Seen, turn: Turn, response: Response) -> Iterator[Claim]:
    """Whether the input was counted so small that the parent's context cannot have been in it."""
    parent = seen.state.turn(turn.parent_turn)
    before = parent.response if parent is not None else None
    if parent is None or before is None or before.id != turn.parent or turn.is_warmup:
        return
    usage, had = response.usage, before.usage
    if usage is None or had is None or not usage.input_tokens or not had.input_tokens:
        return
    own = seen.memory.track(turn.number).overhead
    if own < 0 or own < seen.memory.track(parent.number).overhead or _is_compacted(response, before):
        return
    context = had.input_tokens + (had.output_tokens or 0) - (had.reasoning_tokens or 0)
    if context >= _LEAST_TOKENS and usage.input_tokens < _LOST_SHARE * had.input_tokens:
        said = f"its input was {usage.input_tokens} tokens, that of its parent {had.input_tokens}"
        yield Claim("context-lost", said, (before.last,))


def _is_compacted(*responses: Response) -> bool:
    return any(item.type == "compaction" for response in responses for item in response.items)
