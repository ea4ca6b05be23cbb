"""Which turn a create goes on from without naming it: whose answer its own input says again.

Its one rule: it is read off the request, never guessed. An item counts by its id or its call id; where a
client leaves ids out, by its text, word for word, among the turns of the same client. A replay tells it too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from sessions.facts import word
from sessions.session import Session, Turn
from sessions.state import State

_LOOKED_AT = 64  #: newest turns that may be it
_READ_ITEMS = 16  #: of an input, from its end: the newest answer stands there


class _Said(NamedTuple):
    """What an input says that a model has said before, the newest first."""

    ids: frozenset[str]
    call_ids: frozenset[str]
    texts: tuple[str, ...]


def resent_turn(state: State, session: Session, value: object) -> int:
    """The number of the newest turn whose answer stands in this `input`; 0 when there is none."""
    said = _said(value)
    if said is None:
        return 0
    newest = list(islice(reversed(state.turns), _LOOKED_AT))
    for turn in newest:
        if any(_is_named(turn, said)):
            return turn.number
    return _by_text([turn for turn in newest if _is_same_client(state, session, turn)], said.texts)


def _said(value: object) -> _Said | None:
    """What the last items of an input repeat; None when a person said all of it."""
    if not isinstance(value, list):
        return None
    items = [one for one in value[-2 * _READ_ITEMS :] if isinstance(one, Mapping)]
    told = [one for one in reversed(items) if is_a_models(one)][:_READ_ITEMS]
    if not told:
        return None
    return _Said(
        frozenset(filter(None, (word(one.get("id")) for one in told))),
        frozenset(filter(None, (word(one.get("call_id")) for one in told))),
        tuple(filter(None, map(_text, told))),
    )


def is_a_models(item: Mapping[str, Any]) -> bool:
    """Whether an item of an input is something that a model said before."""
    kind = item.get("type", "message")
    if kind == "message":
        return item.get("role") == "assistant"
    return isinstance(kind, str) and (kind == "reasoning" or kind.endswith("_call"))


def _text(item: Mapping[str, Any]) -> str:
    content = item.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else ()
    return "".join(word(part.get("text")) for part in parts if isinstance(part, Mapping))


def _is_named(turn: Turn, said: _Said) -> Iterator[bool]:
    for response in turn.responses:
        for item in response.items:
            yield bool(item.id) and item.id in said.ids
            yield bool(item.call_id) and item.is_call and item.call_id in said.call_ids


def _is_same_client(state: State, session: Session, turn: Turn) -> bool:
    """Whether the turn was asked by whoever asks now: over the same session, or by the same program."""
    if turn.session == session.number:
        return True
    other = state.sessions[turn.session]
    return bool(session.client or session.pair) and (session.client, session.pair) == (
        other.client,
        other.pair,
    )


def _by_text(turns: Sequence[Turn], texts: Sequence[str]) -> int:
    """The turn that said the newest of these texts; of several the one whose own past is told as well."""
    if not texts:
        return 0
    numbers = {turn.number: turn for turn in turns}
    best, longest = 0, 0
    for turn in turns:
        length = _agreeing(_line(turn, numbers), texts)
        if length > longest:
            best, longest = turn.number, length
    return best


def _line(turn: Turn, known: Mapping[int, Turn]) -> Iterator[str]:
    at: Turn | None = turn
    while at is not None:
        yield at.response.text if at.response is not None else ""
        at = known.get(at.follows)


def _agreeing(line: Iterable[str], texts: Iterable[str]) -> int:
    count = 0
    for was, now in zip(line, texts, strict=False):
        if not was or was != now:
            break
        count += 1
    return count
