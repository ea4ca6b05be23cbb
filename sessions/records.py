"""A record: one thing that crossed the wire, or one ending; and one JSON line for each.

Live, tapped, replayed and faked traffic all become records; from here on nothing can tell them apart.
A record is frozen and holds its payload's exact bytes; what can be derived (type, lane, turn) is not in it.

  header  {"format":"turnscope","version":1,"created":"ISO 8601","app":"turnscope 0.1.0","source":"connect"}
          and further facts of its writer; `source` is the verb that recorded
  line    {"n":0,"t":1700000000000000,"mono":0.25,"conn":1,"dir":"server","kind":"text","size":2,
           "raw":"{}","wire":9,"meta":{"code":1000}}
    n     its number from 0, for people; a reader counts the lines that it can read
    t     microseconds since the epoch, UTC;  mono  seconds since the recording began, never infinite
    conn  the session, from 1;  dir  client, server, local;  kind  a word of `Kind`
    size  bytes of the payload, for people;  raw  the payload, when it is UTF-8;  b64  else, in base64
    wire  bytes of the payload on the wire, left out when unknown
    meta  words and numbers by name, left out when there are none; `masked` lists what was hidden; `by` says
          `client` or `tap` where that one refused or ended something, and not the other side

One line ends with one newline; a reader ignores keys that it does not know, keeps what stands around a line
that it cannot read, and refuses a version above its own.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from json.encoder import encode_basestring
from math import isfinite
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from pydantic_core import from_json, to_json

from sessions.json_kinds import kind_words
from sessions.safe import safe_json

Meta: TypeAlias = Mapping[str, str | int | float]
NO_META: Meta = MappingProxyType({})


class Direction(StrEnum):
    """Who sent it; LOCAL: nobody, we noticed it (refused, lost, a mark)."""

    CLIENT = "client"
    SERVER = "server"
    LOCAL = "local"


class Kind(StrEnum):
    """What kind of thing a record is."""

    OPEN = "open"  #: the 101; payload: request head and response head as bytes, secrets masked
    #: an opening that failed; payload: what came back, meta: failure_class, status; of what a tap could not
    #: read as a request (by: tap) the payload is its beginning
    REFUSED = "refused"
    TEXT = "text"
    BINARY = "binary"
    PING = "ping"
    PONG = "pong"
    CLOSE = "close"  #: payload: the close frame's own; meta: code, reason
    LOST = "lost"  #: the connection ended without a close frame; meta: detail
    REQUEST = "request"
    RESPONSE = "response"
    SSE = "sse"
    NOTE = "note"  #: meta: note (its name) and its values, `latency` with `ms`
    MARK = "mark"


class Record(NamedTuple):
    """One fact, in the order in which it was seen."""

    session: int  #: which socket, or which HTTP exchange; from 1
    direction: Direction
    kind: Kind
    wall: int  #: microseconds since the epoch, UTC, for people
    elapsed: float  #: monotonic seconds since the recording began, for durations
    payload: bytes  #: exactly what crossed the wire
    meta: Meta = NO_META


_PLAIN = (str, int, float)
_NEEDED = ("t", "mono", "conn", "dir", "kind")
_HUGE = 1e300
_QUOTED = 40  # characters of a value that is told
_DELETE = 0x7F
_DIRECTIONS = {name.value: f'"{name.value}"' for name in Direction}
_KINDS = {name.value: f'"{name.value}"' for name in Kind}
_DIRECTION_OF: Mapping[str, Direction] = {name.value: name for name in Direction}
_KIND_OF: Mapping[str, Kind] = {name.value: name for name in Kind}


def payload_field(payload: bytes) -> bytes:
    """How a payload stands in a line: `"raw":"…"`, or `"b64":"…"` when it is not UTF-8."""
    if payload.isascii():
        if _DELETE not in payload:
            return b'"raw":' + to_json(payload.decode())
    else:
        try:
            payload.decode()
        except UnicodeDecodeError:
            return b'"b64":"' + b64encode(payload) + b'"'
    return b'"raw":' + safe_json(encode_basestring(payload.decode())).encode()


def to_line(record: Record, number: int, field: bytes = b"") -> bytes:
    """The record's line in a recording, newline included; `field` is its payload's, when it was made before.

    `raw` is the exact text when the payload is UTF-8, `b64` the bytes otherwise. Characters that could act
    on a terminal are written as JSON escapes, so a recording can be printed. Built by hand around a compiled
    string encoder: a third of the time of `json.dumps` where records are small and came together.
    """
    session, direction, kind, wall, elapsed, payload, meta = record
    facts = _facts(session, direction, kind, wall, elapsed)
    head = f'{{"n":{number}{facts}{len(payload)},'.encode()
    if not meta:
        return head + (field or payload_field(payload)) + b"}\n"
    tail = ""
    wire = meta.get("wire")
    if wire is not None:
        tail = f',"wire":{wire}'
        meta = {key: value for key, value in meta.items() if key != "wire"}
    if meta:
        tail += ',"meta":' + json.dumps(dict(meta), separators=(",", ":"))
    return head + (field or payload_field(payload)) + tail.encode() + b"}\n"


@lru_cache(maxsize=16)
def _facts(session: int, direction: Direction, kind: Kind, wall: int, elapsed: float) -> str:
    """What the records that one read of a socket brought have in common."""
    return (
        f',"t":{wall},"mono":{elapsed!r},"conn":{session},"dir":{_DIRECTIONS[direction]},'
        f'"kind":{_KINDS[kind]},"size":'
    )


def from_line(line: bytes | str) -> Record:
    """The record of a line; unknown keys are ignored.

    Raises ValueError, with what is wrong, when the line is not a record.
    """
    try:
        fields = from_json(line)
    except ValueError:  # four times as quick, but it refuses lone surrogates and says less
        try:
            fields = json.loads(line)
        except RecursionError as error:
            raise ValueError("not a record: nested too deeply") from error
        except json.JSONDecodeError as error:
            raise ValueError(f"no JSON at column {error.colno}: {error.msg.removesuffix(' at')}") from error
        except UnicodeDecodeError as error:
            raise ValueError(f"no text in UTF-8 at byte {error.start + 1}") from error
    return from_fields(fields)


def from_fields(fields: Any) -> Record:
    """The record of a decoded line; raises ValueError when a key is missing or of the wrong kind."""
    try:
        if "raw" in fields:
            payload = fields["raw"].encode()
        else:
            payload = b64decode(fields["b64"], validate=True)
        meta = fields.get("meta") or NO_META
        if meta and not _is_meta(meta):
            raise TypeError("meta")
        if "wire" in fields:
            meta = {"wire": int(fields["wire"]), **meta}
        elapsed = float(fields["mono"])
        if not isfinite(elapsed):
            raise TypeError("mono")
        return Record(
            int(fields["conn"]),
            _DIRECTION_OF[fields["dir"]],
            _KIND_OF[fields["kind"]],
            int(fields["t"]),
            elapsed,
            payload,
            meta,
        )
    except (LookupError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise ValueError(f"not a record: {_what_is_wrong(fields)}") from error


def _is_meta(meta: Any) -> bool:
    return isinstance(meta, dict) and all(isinstance(one, _PLAIN) for one in meta.values())


def _what_is_wrong(fields: Any) -> str:
    """Why a decoded line is no record, in words; looked for only once it is known that it is none."""
    if not isinstance(fields, dict):
        return f"no object but {kind_words(fields)}"
    if wrong := _wrong_payload(fields):
        return wrong
    missing = next((name for name in _NEEDED if name not in fields), None)
    if missing is not None:
        return f"{missing!r} is missing"
    for name, known in (("dir", _DIRECTION_OF), ("kind", _KIND_OF)):
        value = fields[name]
        if not isinstance(value, str):
            return f"{name} is {kind_words(value)}, no string"
        if value not in known:
            return f"{name} {value[:_QUOTED]!r} is unknown"
    if (meta := fields.get("meta")) and not _is_meta(meta):
        return "meta is not an object of words and numbers"
    for name in ("t", "mono", "conn", "wire"):
        value = fields.get(name, 0)
        if isinstance(value, str):
            return f"{name} {value[:_QUOTED]!r} is no number"
        if not isinstance(value, (int, float)):
            return f"{name} is {kind_words(value)}, no number"
        if not -_HUGE < value < _HUGE:  # also what is not a number at all
            return f"{name} is out of range"
    return "its values are none that a recorder writes"


def _wrong_payload(fields: Mapping[str, Any]) -> str:
    """What is wrong with the payload of a decoded line, "" when nothing is."""
    name = "raw" if "raw" in fields else "b64"
    if name not in fields:
        return "neither raw nor b64"
    value = fields[name]
    if not isinstance(value, str):
        return f"{name} is {kind_words(value)}, no string"
    try:
        if name == "raw":
            value.encode()
        else:
            b64decode(value, validate=True)
    except UnicodeEncodeError:
        return "raw has half a character, which UTF-8 cannot say"
    except ValueError:
        return "b64 is no base64"
    return ""
