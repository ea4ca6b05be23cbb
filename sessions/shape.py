"""How two answers differ in shape: kinds and order of events, items, statuses, keys; never words or times.

Its one rule: what a model is free to say differently is no difference: how many deltas, which text, which
arguments, how many tokens. It compares exchanges of scripts and knows nothing of where they came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from sessions.contract import Status
from sessions.events import Event, whole
from sessions.moves import Ending, Exchange, Said
from sessions.script import ScriptedSession

#: events that tell the time and nothing of the answer
_TICKS = frozenset({"keepalive"})
#: what stands under these keys is content, or an echo of what was asked
_FREE = frozenset(
    {
        "annotations",
        "arguments",
        "headers",
        "input",
        "logprobs",
        "metadata",
        "parameters",
        "rate_limits",
        "schema",
        "tools",
        "usage",
    }
)
_DEPTH = 6  # of keys; deeper is content


class Difference(NamedTuple):
    """One way in which an answer has another shape."""

    session: int
    turn: int  #: number of the exchange; 0: the socket itself
    what: str  #: events, items, statuses, keys, usage, errors, ending, opening, unsent
    recorded: object  #: a plain value for scripts
    live: object
    title: str  #: one sentence for a person


class Shape(NamedTuple):
    """What is compared of one exchange."""

    events: tuple[str, ...]  #: types in order, a run of deltas written once
    items: tuple[str, ...]  #: type, status and name of each output item, in order of their completion
    statuses: tuple[str, ...]  #: of each response
    errors: tuple[str, ...]  #: codes of error frames and failures
    keys: Mapping[str, frozenset[str]]  #: event type -> paths of the keys that came in it
    usage: frozenset[str]  #: paths of its keys
    nulls: Mapping[str, frozenset[str]]  #: event type -> those of its paths that never held but null


def shape_of(exchange: Exchange) -> Shape:
    """The shape of everything that answered one create."""
    events: list[str] = []
    items: list[str] = []
    errors: list[str] = []
    keys: dict[str, frozenset[str]] = {}
    told: dict[str, frozenset[str]] = {}
    usage: frozenset[str] = frozenset()
    for move in exchange.moves:
        if not isinstance(move, Said) or move.type in _TICKS:
            continue
        label = move.type or _label_of(move)
        is_delta = label.endswith(".delta")
        if is_delta and events and events[-1] == label:
            continue  # the first of a run speaks for it
        events.append(label)
        event = whole(move.payload)
        if not isinstance(event, Event):
            continue
        keys[label] = keys.get(label, frozenset()) | frozenset(_paths(event.body))
        told[label] = told.get(label, frozenset()) | frozenset(_paths(event.body, is_told=True))
        response = event.body.get("response")
        response = response if isinstance(response, dict) else {}
        if isinstance(counts := response.get("usage"), dict):
            usage |= frozenset(_paths(counts))
        item = event.body.get("item")
        if label == "response.output_item.done" and isinstance(item, dict):
            items.append(_item(item))
        for error in (event.body if label == "error" else {}, response):
            errors += _codes(error)
    statuses = []
    for turn in exchange.turns:
        reason = turn.response.incomplete_reason if turn.response else ""
        # a recording that ends first cuts an answer as the end of its socket does
        status = Status.CUT if turn.is_live else turn.status
        statuses.append(f"{status.value} ({reason})" if reason else status.value)
    nulls = {label: keys[label] - told[label] for label in keys}
    return Shape(tuple(events), tuple(items), tuple(statuses), tuple(errors), keys, usage, nulls)


def differences(recorded: Exchange, live: Exchange) -> tuple[Difference, ...]:
    """Where a live answer has another shape than the recorded one."""
    old, new = shape_of(recorded), shape_of(live)
    found: list[Difference] = []

    def note(what: str, was: object, now: object, title: str) -> None:
        found.append(Difference(recorded.session, recorded.number, what, was, now, title))

    if old.statuses != new.statuses:
        note("statuses", list(old.statuses), list(new.statuses),
             f"ended {_listed(new.statuses)} instead of {_listed(old.statuses)}")  # fmt: skip
    if old.errors != new.errors:
        note("errors", list(old.errors), list(new.errors),
             f"error {_listed(new.errors)} instead of {_listed(old.errors)}")  # fmt: skip
    if old.items != new.items:
        note("items", list(old.items), list(new.items),
             f"items {_listed(new.items)} instead of {_listed(old.items)}")  # fmt: skip
    for was, now in _changes(old.events, new.events):
        note("events", was, now, _event_title(was, now))
    for label in old.keys:
        if label in new.keys and old.keys[label] != new.keys[label]:
            gone, come = sorted(old.keys[label] - new.keys[label]), sorted(new.keys[label] - old.keys[label])
            note("keys", gone, come, f"{label}: {_key_title(gone, come)}")
    if old.usage != new.usage:
        gone, come = sorted(old.usage - new.usage), sorted(new.usage - old.usage)
        note("usage", gone, come, f"usage: {_key_title(gone, come)}")
    return tuple(found)


def ending_difference(recorded: ScriptedSession, live: ScriptedSession | None) -> Difference | None:
    """Where the server ended a socket otherwise than in the recording; None when it did the same.

    Nor is there a difference where the recording breaks off: it does not say how its socket ended.
    """
    if recorded.breaks_off:
        return None
    was, now = recorded.ending, live.ending if live is not None else None
    if (was.code if was else 0) == (now.code if now else 0):
        return None
    title = f"the server {_ended(now)}; in the recording it {_ended(was)}"
    return Difference(
        recorded.number, 0, "ending", was.code if was else None, now.code if now else None, title
    )


def _ended(ending: Ending | None) -> str:
    if ending is None:
        return "left the socket open"
    return "ended it without a close frame" if ending.code == 1006 else f"closed with {ending.code}"


def _label_of(move: Said) -> str:
    """What a message that is no event is called."""
    if move.is_binary:
        return "binary"
    return "[DONE]" if move.payload.strip() == b"[DONE]" else "a frame that is no event"


def _paths(
    body: Mapping[str, Any], before: str = "", depth: int = 0, *, is_told: bool = False
) -> Iterator[str]:
    """The paths of all keys; when `is_told`, only of those that hold more than null."""
    for key, value in body.items():
        if is_told and value is None:
            continue
        path = f"{before}.{key}" if before else key
        yield path
        if key in _FREE or depth >= _DEPTH:
            continue
        for inner in value if isinstance(value, list) else (value,):
            if isinstance(inner, dict):
                deeper = path + "[]" * isinstance(value, list)
                yield from _paths(inner, deeper, depth + 1, is_told=is_told)


def _item(item: Mapping[str, Any]) -> str:
    words = (item.get("type"), item.get("status"), item.get("name"))
    return " ".join(word for word in words if isinstance(word, str))


def _codes(body: Mapping[str, Any]) -> Iterator[str]:
    error = body.get("error", body if body.get("type") == "error" else None)
    if isinstance(error, dict):
        code = error.get("code") or error.get("type") or error.get("status")
        yield str(code)


def _changes(old: tuple[str, ...], new: tuple[str, ...]) -> Iterator[tuple[list[str], list[str]]]:
    if old == new:
        return
    for tag, first, last, start, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            yield list(old[first:last]), list(new[start:end])


def _event_title(was: Iterable[str], now: Iterable[str]) -> str:
    was, now = tuple(was), tuple(now)
    if not was:
        return f"{_listed(now)} came, and is not in the recording"
    if not now:
        return f"{_listed(was)} did not come"
    return f"{_listed(now)} came instead of {_listed(was)}"


def _key_title(gone: Iterable[str], come: Iterable[str]) -> str:
    pieces = []
    if gone := tuple(gone):
        pieces.append(f"without {_listed(gone)}")
    if come := tuple(come):
        pieces.append(f"with {_listed(come)}, new")
    return ", ".join(pieces)


def _listed(words: Iterable[str]) -> str:
    shown = list(words)
    if not shown:
        return "none"
    more = f" and {len(shown) - 6} more" if len(shown) > 6 else ""
    return ", ".join(shown[:6]) + more
