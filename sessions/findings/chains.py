"""Rules about the chain: parents lost, changed or forgotten, settings changed, the shape of creates."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from sessions import dialects, facts
from sessions.contract import PARENT_NOT_FOUND, TERMINAL, Family, Status, family
from sessions.events import Event
from sessions.findings.entry import Who
from sessions.findings.seen import Claim, Seen
from sessions.records import Direction, Kind
from sessions.session import Response, Turn

_LOST_SHARE = 0.5  # of the parent's input; what a server may leave out (old reasoning) is less
_LEAST_TOKENS = 8
_MAX_CHAIN = 1_000  # turns of a chain that are looked through for a call
_MAX_BROUGHT = 1_000  # ids remembered of one create
#: items that stand for others, which no record has to show
_HIDING = ("item_reference", "compaction", "compaction_summary")
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
            if turn.answers and not turn.is_warmup:
                yield from _invented(seen, turn)
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
        yield _lost(seen, turn, parent)


def _lost(seen: Seen, turn: Turn, parent: Turn | None) -> Claim:
    """A parent that the server does not know, by what it should know."""
    said = f"{(turn.parent or '')[:80]} is not known on socket {turn.session}"
    made = parent.response if parent is not None else None
    if parent is None or made is None or parent.session != turn.session or made.id != turn.parent:
        return Claim("parent-lost", said, (turn.create,))
    if 0 <= seen.session.evicted.get(made.id, turn.create) < turn.create:
        said = f"{said}: a continuation of it had failed, which evicts it"
        return Claim("parent-lost", said, (seen.session.evicted[made.id], turn.create))
    newest = [one for one in seen.session.turns if one.lane == parent.lane and one.responses]
    is_head = max(one.number for one in newest if one is not turn) == parent.number
    if not is_head or made.status is not Status.COMPLETED:
        return Claim("parent-lost", said, (turn.create,))
    idle = turn.sent - parent.ended
    kind = "a warm-up" if parent.is_warmup else "the newest response of its lane"
    return Claim(
        "parent-lost",
        f"{said}, though it is {kind} there, made {idle:.1f} s before",
        (made.last, turn.create),
        who=Who.PROXY,
        remedy="A connection remembers the newest response of each lane, also with store: false. Keep one "
        "client's turns on one upstream connection; until then send the full history.",
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
        track.brought = _brought(fields)
        track.asked = {name: fields[name] for name in _ECHOED if isinstance(fields.get(name), int | float)}
        if instructions := facts.word(fields.get("instructions")):
            track.asked["instructions"] = instructions
        if tools := _tools(fields.get("tools")):
            track.asked["tools"] = tools


def _overhead(fields: Mapping[str, Any]) -> int:
    """Characters of what a create says beside its input; the input's own belong to the chain."""
    try:
        tools = json.dumps(fields.get("tools") or [], default=str)
    except (ValueError, RecursionError):  # nested as no tool is
        return -1
    return len(tools) + len(facts.word(fields.get("instructions")))


def _brought(fields: Mapping[str, Any]) -> frozenset[str] | None:
    """The ids of the calls in a create's input; None when it leans on a history that no record shows."""
    if any(fields.get(name) is not None for name in ("conversation", "prompt")):
        return None
    given = fields.get("input")
    found: set[str] = set()
    for item in given if _is_list(given) else ():
        kind = facts.word(item.get("type")) if isinstance(item, dict) else ""
        if kind in _HIDING or (isinstance(item, dict) and not kind and "role" not in item):
            return None
        if kind.endswith(("_call", "_request")):
            found.update(facts.word(item.get(name)) for name in ("call_id", "id"))
    return frozenset(found) if len(found) <= _MAX_BROUGHT else None


def _invented(seen: Seen, turn: Turn) -> Iterator[Claim]:
    """Whether it answered a call that nobody has made, where the whole chain can be looked at."""
    left = set(turn.answers)
    at = turn
    for _ in range(_MAX_CHAIN):
        track = seen.memory.track(at.number)
        if track.brought is None or track.is_orphan:
            return
        left -= track.brought
        if not left:
            return
        if at.parent is None:
            named = ", ".join(sorted(left)[:3])[:120]
            yield Claim("output-of-no-call", f"no turn of its chain has made {named}", (turn.create,))
            return
        parent = seen.state.turn(at.parent_turn)
        made = parent.response if parent is not None else None
        if parent is None or made is None or made.id != at.parent or _is_compacted(made):
            return
        for item in (item for response in parent.responses for item in response.items):
            left -= {item.call_id, item.id}
        at = parent


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
    elif response.id and not seen.session.is_http:
        first = seen.state.turn(seen.memory.made.setdefault((seen.session.url, response.id), turn.number))
        if first is not None and first.session != turn.session:
            said = f"{response.id[:80]} was made on socket {first.session} already, as T{first.number}"
            records = (first.responses[0].first,) if first.responses else ()
            yield Claim("id-repeated", said, records)
    yield from _settings(seen, turn, body)


def _parent(seen: Seen, turn: Turn, parent: str, body: Mapping[str, Any]) -> Iterator[Claim]:
    echoed = body.get("previous_response_id")
    seen.memory.track(turn.number).is_orphan = "previous_response_id" in body and echoed is None
    if "previous_response_id" in body and echoed != parent:
        said = f"sent {parent[:80]}, echoed {'none' if echoed is None else facts.brief(echoed)[:80]}"
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
    changed = [*_rewritten(create, body)]
    changed += [
        f"{name} {facts.brief(create[name])[:40]} -> {facts.brief(body[name])[:40]}"
        for name in _ECHOED
        if name in create and body.get(name) not in (None, create[name])
    ]
    if changed:
        yield Claim("settings-changed", ", ".join(changed), (turn.create,))


def _rewritten(create: Mapping[str, Any], body: Mapping[str, Any]) -> Iterator[str]:
    """Instructions and tools that came back as others."""
    sent, echoed = create.get("instructions"), body.get("instructions")
    if sent and isinstance(echoed, str) and echoed.strip() != sent.strip():
        yield f"instructions of {len(sent):,} characters -> {len(echoed):,}"
    asked, given = create.get("tools", ()), body.get("tools")
    had = _tools(given)
    if not asked or not had:  # many servers echo an empty list and mean nothing by it
        return
    lost = [tool for tool in asked if not any(_is_same_tool(tool, one) for one in had)]
    if lost:
        named = ", ".join(f"{kind} {name}".strip() for kind, name in lost[:3])[:120]
        yield f"{len(asked)} tools -> {len(had)}, without {named}"


def _tools(tools: object) -> tuple[tuple[str, str], ...]:
    """Type and name of each tool, whichever form they are in."""
    flat = [dialects.flat_tool(tool) for tool in tools if isinstance(tool, dict)] if _is_list(tools) else []
    return tuple((facts.word(one.get("type")), facts.word(one.get("name"))) for one in flat)


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _is_same_tool(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """A dated type is the same tool: web_search_preview and web_search_preview_2025_03_11."""
    kinds = one[0].startswith(other[0]) or other[0].startswith(one[0])
    return kinds and one[1] == other[1]


def _forgotten(seen: Seen, turn: Turn, response: Response) -> Iterator[Claim]:
    """Whether the input was counted so small that the parent's context cannot have been in it."""
    parent = seen.state.turn(turn.parent_turn)
    before = parent.response if parent is not None else None
    if parent is None or before is None or before.id != turn.parent or turn.is_warmup:
        return
    if seen.memory.track(turn.number).is_orphan:
        return  # told when the server said that it has no parent
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
