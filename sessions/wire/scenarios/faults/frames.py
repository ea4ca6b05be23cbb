"""Faults of single frames: no JSON, no object, binary, huge, deep, in pieces, dressed as an event stream."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from sessions.wire.scenarios.faults.fault import Fault, UnitFault
from sessions.wire.scenarios.turn import Turn
from sessions.wire.scenarios.units import Event, Payload, Pieces, Unit, encode, is_delta, is_terminal

_MIB = 1 << 20


def _before_end(*contents: bytes) -> Callable[[Iterator[Unit], str, Turn], Iterator[Unit]]:
    def act(units: Iterator[Unit], argument: str, turn: Turn) -> Iterator[Unit]:
        for unit in units:
            if is_terminal(unit):
                for content in contents:
                    yield Payload(content)
            yield unit

    return act


def _as_binary(units: Iterator[Unit], argument: str, turn: Turn) -> Iterator[Unit]:
    for unit in units:
        yield Payload(encode(unit), is_binary=True) if isinstance(unit, dict) else unit


def _prefixed(units: Iterator[Unit], argument: str, turn: Turn) -> Iterator[Unit]:
    for unit in units:
        yield Payload(b"data: " + encode(unit)) if isinstance(unit, dict) else unit


def _done_marker(units: Iterator[Unit], argument: str, turn: Turn) -> Iterator[Unit]:
    for unit in units:
        yield unit
        if is_terminal(unit):
            yield Payload(b"[DONE]")


def _big(units: Iterator[Unit], argument: str, turn: Turn) -> Iterator[Unit]:
    size = int(float(argument or 16) * _MIB)
    for unit in units:
        if is_terminal(unit):
            yield _sized(turn, size)
        yield unit


def _sized(turn: Turn, size: int) -> Event:
    event = turn.event("response.metadata", response_id=turn.id, metadata={"padding": ""})
    event["metadata"]["padding"] = "A" * max(0, size - len(encode(event)))
    return event


def _big_objects(units: Iterator[Unit], argument: str, turn: Turn) -> Iterator[Unit]:
    part = json.dumps({"id": 1, "name": "object", "tags": ["a", "b"], "on": True}, separators=(",", ":"))
    count = int(float(argument or 16) * _MIB) // (len(part) + 1)
    for unit in units:
        if is_terminal(unit):
            head = encode(turn.event("response.metadata", response_id=turn.id))[:-1]
            yield Payload(head + b',"metadata":{"parts":[' + ",".join([part] * count).encode() + b"]}}")
        yield unit


def _in_pieces(units: Iterator[Unit], argument: str, turn: Turn) -> Iterator[Unit]:
    for unit in units:
        if isinstance(unit, dict):
            content = encode(unit)
            third = max(1, len(content) // 3)
            yield Pieces((content[:third], content[third : 2 * third], content[2 * third :]))
        else:
            yield unit


def _deep(units: Iterator[Unit], argument: str, turn: Turn) -> Iterator[Unit]:
    depth = int(float(argument or 10_000))
    for unit in units:
        if is_terminal(unit):
            head = encode(turn.event("response.metadata"))[:-1]
            yield Payload(head + b',"metadata":' + b"[" * depth + b"]" * depth + b"}")
        yield unit


def _surrogates(units: Iterator[Unit], argument: str, turn: Turn) -> Iterator[Unit]:
    was_split = False
    for unit in units:
        if is_delta(unit) and isinstance(unit, dict) and isinstance(unit["delta"], str) and not was_split:
            was_split = True
            unit = {**unit, "delta": unit["delta"] + "\ud83d"}
        yield unit


FAULTS: tuple[Fault, ...] = (
    UnitFault(
        "non-json", "a text frame that is no JSON", _before_end(b"<html>502 Bad Gateway</html>", b'{"type":')
    ),
    UnitFault(
        "json-not-object",
        "JSON that is no object: a list, a string, null",
        _before_end(b"[1,2]", b'"text"', b"null"),
    ),
    UnitFault("binary", "events in binary frames", _as_binary),
    UnitFault(
        "invalid-utf8",
        "a text frame that is not UTF-8",
        _before_end(b'{"type":"response.metadata","x":"\xff\xfe"}'),
    ),
    UnitFault("sse-prefix", "every frame begins with “data: ”", _prefixed),
    UnitFault("done-marker", "[DONE] after the terminal event", _done_marker),
    UnitFault("big-frame", "one large string in an event (argument: MiB, 16)", _big, True),
    UnitFault("big-frame-objects", "many small objects in one event (argument: MiB, 16)", _big_objects, True),
    UnitFault("fragmented", "every message in four frames, with pings between them", _in_pieces),
    UnitFault("deep-nesting", "arrays nested deeply (argument: how deep, 10000)", _deep, True),
    UnitFault("lone-surrogates", "half of a surrogate pair at the end of a delta", _surrogates),
)
