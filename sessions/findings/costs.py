"""Rules about what turns cost: time in a queue, tokens billed twice, a cache that was missed.

Each is told only where the records leave no other reading: a rule that would have to guess is not here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sessions import dialects
from sessions.contract import TERMINAL, Status
from sessions.events import Event
from sessions.exchanges import BRIDGE
from sessions.findings.seen import Claim, Seen, Track
from sessions.records import Direction
from sessions.session import Response, Turn, Usage

_QUEUED_SECONDS = 5.0
_NEIGHBOURS = 64  # turns of a session among which the one that was waited for is looked for
_AGAIN_SECONDS = 120.0  # between an answer that was cut and the same create, to call it a repeat
_LARGE = 1 << 16  # bytes of a create that is compared as it stands, where others may differ in metadata
_DOUBLED = 1.6  # times what the chain holds
_SLACK_TOKENS = 1_024  # for what a server adds to a prompt by itself
_CACHED_TOKENS = 1_024  # less is never cached [SDK]
_CACHE_SECONDS = 240.0  # the least that a cache lives
#: what of a create may change without changing the beginning of its prompt
_VOLATILE = frozenset({
    "type", "input", "previous_response_id", "stream_id", "metadata", "client_metadata", "store", "generate",
    "include", "stream", "stream_options", "safety_identifier", "user", "max_output_tokens", "temperature",
    "top_p", "top_logprobs", "max_tool_calls",
})  # fmt: skip
#: what two creates have in common that ask the same
_ASKED = ("input", "previous_response_id", "model", "instructions", "store")
#: what makes a prompt of a few bytes into many tokens
_HEAVY = (
    b"input_image", b"input_file", b"item_reference", b"screenshot", b"\"prompt\"", b"\"conversation\"",
)  # fmt: skip
_OWN_TOOLS = ("function", "custom")  # described by the create alone, run by the client
_OWN_ITEMS = ("message", "reasoning", "function_call", "custom_tool_call")


def look(seen: Seen) -> Iterator[Claim]:
    """What this record says about time and tokens."""
    turn = seen.turn
    if turn is None:
        return
    if seen.record.direction is Direction.CLIENT:
        if turn.create == seen.number and type(seen.raw) is Event and not seen.raw.is_partial:
            fields = dialects.create_fields(seen.raw.body)[0]
            _weigh(seen, seen.memory.track(turn.number), fields)
            yield from _repeated(seen, turn, fields)
        return
    event, response = seen.event, seen.response
    if event is None or response is None or not seen.is_streamed:
        return
    if event.type == "response.created" and turn.create >= 0 and len(turn.responses) == 1:
        yield from _queued(seen, turn)
    elif event.type in TERMINAL and response.status is Status.COMPLETED:
        yield from _billed(seen, turn, response)


def _weigh(seen: Seen, track: Track, fields: Mapping[str, Any]) -> None:
    """Remember how many tokens a create can be at most, and its settings."""
    try:
        rest = {name: value for name, value in fields.items() if name not in _VOLATILE}
        track.settings = hash(json.dumps(rest, sort_keys=True, default=str)) or 1
    except (ValueError, RecursionError, TypeError):
        return
    tools = fields.get("tools") or []
    is_plain = isinstance(tools, list) and all(
        isinstance(tool, dict) and tool.get("type") in _OWN_TOOLS for tool in tools
    )
    payload = seen.record.payload
    if is_plain and not any(one in payload for one in _HEAVY):
        track.most_tokens = len(payload)  # a token is a byte at least


def _repeated(seen: Seen, turn: Turn, fields: Mapping[str, Any]) -> Iterator[Claim]:
    if seen.session.client == BRIDGE:
        return  # it sends on what a client asked, who is judged for it
    asked = seen.memory.asked
    caller = seen.session.pair or f"{seen.session.client} {seen.session.peer.rpartition(':')[0]}"
    if len(seen.record.payload) > _LARGE:
        key = hash((caller, seen.record.payload))
    else:
        try:
            same = [fields.get(name) for name in _ASKED]
            key = hash((caller, json.dumps(same, sort_keys=True, default=str)))
        except (ValueError, RecursionError, TypeError):
            return
    before = seen.state.turn(asked.get(key, 0))
    asked[key] = turn.number
    if before is None or before.status is not Status.CUT or not before.responses:
        return
    session = seen.state.sessions[before.session]
    is_theirs = session.closed_by != Direction.CLIENT.value  # who stopped an answer may well ask again
    if is_theirs and 0 <= seen.record.elapsed - before.ended <= _AGAIN_SECONDS:
        first = before.responses[0]
        said = f"T{before.number} was cut after {first.deltas:,} deltas, T{turn.number} asks the same"
        yield Claim("create-repeated", said, tuple(one for one in (before.create, first.first) if one >= 0))


def _queued(seen: Seen, turn: Turn) -> Iterator[Claim]:
    ahead = [
        one
        for one in seen.session.turns[-_NEIGHBOURS:]
        if one.lane == turn.lane and one.number < turn.number and one.ended > turn.sent
    ]
    if ahead and not seen.session.is_http:
        last = max(ahead, key=lambda one: one.ended)
        if (waited := last.ended - turn.sent) >= _QUEUED_SECONDS:
            said = f"T{turn.number} waited {waited:.1f} s until T{last.number} had ended"
            yield Claim("head-of-line", said, (turn.create,))


def _billed(seen: Seen, turn: Turn, response: Response) -> Iterator[Claim]:
    """What its usage says beside that of its parent."""
    parent = seen.state.turn(turn.parent_turn)
    before = parent.response if parent is not None else None
    if parent is None or before is None or before.id != turn.parent or turn.is_warmup or turn.create < 0:
        return
    usage, had = response.usage, before.usage
    if usage is None or had is None or not usage.input_tokens or not had.input_tokens:
        return
    if any(item.type not in _OWN_ITEMS for one in (response, before) for item in one.items):
        return  # what hosted tools read is billed as well, and compaction bills less
    track = seen.memory.track(turn.number)
    if track.most_tokens >= 0 and turn.model == parent.model:
        own = track.most_tokens + _SLACK_TOKENS
        holds = had.input_tokens + (had.output_tokens or 0)
        if usage.input_tokens > _DOUBLED * holds + own:
            said = f"billed {usage.input_tokens:,} tokens of input; its parent held {holds:,}, it adds"
            most = f"{track.most_tokens:,} at most"
            yield Claim("context-doubled", f"{said} {most}", (turn.create, before.last))
            return  # such a prompt is another one: no cache knows it
    yield from _cached(seen, turn, parent, usage, had)


def _cached(seen: Seen, turn: Turn, parent: Turn, usage: Usage, had: Usage) -> Iterator[Claim]:
    settings = seen.memory.track(turn.number).settings
    is_same = settings and settings == seen.memory.track(parent.number).settings
    is_soon = 0 <= turn.sent - parent.ended <= _CACHE_SECONDS
    if not is_same or not is_soon or parent.session != turn.session or parent.is_warmup:
        return
    now, then = usage.cached_tokens, had.cached_tokens
    if now is None or then is None or not usage.input_tokens or not had.input_tokens:
        return
    if then >= _CACHED_TOKENS and 2 * now < then and usage.input_tokens >= then:
        said = f"{now:,} of {usage.input_tokens:,} tokens of input were cached; {then:,} of its parent's were"
        yield Claim("cache-missed", said, (turn.create,))
