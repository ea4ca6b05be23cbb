"""What a turn sends, one unit at a time: an event, a run of deltas, odd frames, silence, an ending.

Its one rule: a unit is plain; dialects and faults read one stream of units and give another.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from json.encoder import encode_basestring
from typing import Any, NamedTuple, TypeAlias

from sessions.wire.scenarios.ids import PADDING
from sessions.wire.scenarios.problem import Problem

Event: TypeAlias = dict[str, Any]


class Deltas(NamedTuple):
    """A run of text deltas that differ only in number, text and padding; cheap to make in great numbers."""

    event: Mapping[str, Any]  #: its type and where it belongs
    fragments: Sequence[str]
    first: int  #: sequence number of the first
    is_padded: bool

    def events(self) -> Iterator[Event]:
        """The same deltas, one event each."""
        for number, fragment in enumerate(self.fragments, self.first):
            event = {"type": self.event["type"], "sequence_number": number, **self.event}
            event["delta"] = fragment
            event["logprobs"] = []
            if self.is_padded:
                event["obfuscation"] = PADDING[number & 15]
            yield event

    def payloads(self) -> list[bytes]:
        """The encoded events; built by hand around the C string encoder."""
        if not all(fragment.isascii() for fragment in self.fragments):
            return [encode(event) for event in self.events()]
        place = {key: value for key, value in self.event.items() if key != "type"}
        head = f'{{"type":{json.dumps(self.event["type"])},"sequence_number":'
        middle = f',{json.dumps(place, separators=(",", ":"))[1:-1]},"delta":'
        tails = [
            f',"logprobs":[],"obfuscation":"{padding}"}}' if self.is_padded else ',"logprobs":[]}'
            for padding in PADDING
        ]
        return [
            f"{head}{number}{middle}{encode_basestring(fragment)}{tails[number & 15]}".encode()
            for number, fragment in enumerate(self.fragments, self.first)
        ]


class Payload(NamedTuple):
    """One message with exactly these bytes."""

    content: bytes
    is_binary: bool = False


class Batch(NamedTuple):
    """Several messages in one write."""

    contents: tuple[bytes, ...]


class Pieces(NamedTuple):
    """One text message in several frames, with a ping between them."""

    pieces: tuple[bytes, ...]


class Pause(NamedTuple):
    """Nothing, for a while."""

    seconds: float


class Hang(NamedTuple):
    """Nothing, for as long as the connection lasts."""


class Close(NamedTuple):
    """A close frame; the connection ends."""

    code: int
    reason: str


class Abort(NamedTuple):
    """The end of TCP without a close frame."""

    is_reset: bool


#: a Problem is an error frame in the dialect's spelling, and the end of the turn
Unit: TypeAlias = Event | Deltas | Payload | Batch | Pieces | Pause | Hang | Close | Abort | Problem


def encode(event: Mapping[str, Any]) -> bytes:
    """An event's bytes as the API writes them: compact, UTF-8; lone surrogates stay escapes."""
    text = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(event, separators=(",", ":")).encode()


def singly(units: Iterator[Unit]) -> Iterator[Unit]:
    """The same units, every delta an event of its own."""
    for unit in units:
        if isinstance(unit, Deltas):
            yield from unit.events()
        else:
            yield unit


def is_terminal(unit: Unit) -> bool:
    """Whether this unit is the event that ends a response, in any spelling."""
    return isinstance(unit, dict) and unit.get("type") in _TERMINAL


def is_delta(unit: Unit) -> bool:
    """Whether this unit is an event that adds to a text."""
    return isinstance(unit, dict) and "delta" in unit


_TERMINAL = frozenset({"response.completed", "response.done", "response.incomplete", "response.failed"})
