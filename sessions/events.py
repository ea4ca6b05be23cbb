"""Bytes of a message -> an event, or why they are none.

Its one rule: `decode` never raises, and never drops a field. Bodies are not validated: unknown types and
fields are normal. A very large message is read only as far as its envelope; the rest waits for `whole`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from pydantic_core import from_json

from sessions.json_kinds import kind_words

#: above this size a message made of many small values is read by its envelope only; reading and freeing
#: 16 MiB of small objects takes a second, 16 MiB of one string a few milliseconds (measured)
LARGE = 1 << 20
_MANY = 50_000  # commas and colons: a measure of how many objects would be made
_HEAD, _TAIL, _END = 1 << 16, 1 << 14, 1 << 12


class Event(NamedTuple):
    """One JSON object that crossed the wire, with the fields that every reader asks for."""

    type: str  #: "" when the object has none
    body: Mapping[str, Any]
    sequence_number: int | None = None
    stream_id: str | None = None
    response_id: str | None = None
    item_id: str | None = None
    is_partial: bool = False  #: only the envelope of a very large message was read


class Undecodable(NamedTuple):
    """Why a message is no event; its bytes are kept in the record."""

    reason: str
    offset: int  #: in bytes, of the first thing wrong; 0 where unknown


def decode(payload: bytes) -> Event | Undecodable:
    """The event in a message's bytes. Never raises."""
    if len(payload) > LARGE and payload.count(b",") + payload.count(b":") > _MANY:
        return _envelope(payload)
    try:
        body = from_json(payload)
    except ValueError:
        return whole(payload)
    return of_object(body) if type(body) is dict else whole(payload)


def whole(payload: bytes) -> Event | Undecodable:
    """The event with its complete body, however large; for when someone opens it. Never raises."""
    try:
        body = from_json(payload)
    except ValueError as error:
        try:
            # refused above and read here: lone surrogates, deep nesting, byte order marks, very long numbers
            body = json.loads(payload.decode("utf-8-sig"), parse_int=_whole_number)
        except RecursionError:
            return Undecodable("nested too deeply to be read", 0)
        except json.JSONDecodeError as wrong:
            return Undecodable(f"not JSON: {wrong.msg}", len(wrong.doc[: wrong.pos].encode()))
        except UnicodeDecodeError as wrong:
            return Undecodable("not UTF-8", wrong.start)
        except ValueError:
            return Undecodable(f"not JSON: {error}", 0)
    if type(body) is not dict:
        return Undecodable(f"JSON, but {kind_words(body)} instead of an object", 0)
    return of_object(body)


def of_object(body: dict[str, Any], is_partial: bool = False) -> Event:
    """The event in a JSON object that was read already."""
    get = body.get
    event_type = get("type")
    number = get("sequence_number")
    lane = get("stream_id")
    item_id = get("item_id")
    if type(event_type) is not str:
        event_type = ""
    if type(number) is not int:
        number = None
    if lane is not None and type(lane) is not str:
        lane = None
    if type(item_id) is str:  # an event that names an item names no response
        return Event(event_type, body, number, lane, None, item_id, is_partial)
    response_id = None
    response = get("response")
    if type(response) is dict:
        response_id = response.get("id")
    elif response is None:
        response_id = get("response_id")
    return Event(
        event_type, body, number, lane, response_id if type(response_id) is str else None, None, is_partial
    )


def _whole_number(digits: str) -> int | float:
    try:
        return int(digits)
    except ValueError:  # more digits than the interpreter reads
        return float(digits)


#: the fields of words and numbers that end an object: type, lane and sequence number may stand there
_AT_END = re.compile(
    rb'((?:,\s*"[a-z_]{1,40}"\s*:\s*(?:"[^"\\]{0,300}"|-?\d{1,18}|true|false|null)\s*)++)}\s*\Z'
)
_USAGE = re.compile(rb'"usage"\s*:\s*(\{[^{}]*+(?:\{[^{}]*+\}[^{}]*+)*+\})')
_LONE_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


def _envelope(payload: bytes) -> Event | Undecodable:
    head, tail = payload[:_HEAD], payload[-_TAIL:]
    try:
        body = _beginning(head)
    except ValueError as error:
        return Undecodable(f"not JSON: {error}", 0)
    if type(body) is not dict:
        return Undecodable(f"JSON, but {kind_words(body)} instead of an object", 0)
    if found := _AT_END.search(tail[-_END:]):
        with suppress(ValueError):
            body = {**from_json(b"{" + found[1].lstrip(b",") + b"}"), **body}
    response = body.get("response")
    if type(response) is dict and "usage" not in response and (counts := _USAGE.findall(tail)):
        with suppress(ValueError):
            body = {**body, "response": {**response, "usage": from_json(counts[-1])}}
    return of_object(body, is_partial=True)


def _beginning(head: bytes) -> Any:
    text = head.decode(errors="ignore")
    try:
        return from_json(text, allow_partial=True)
    except ValueError:
        return from_json(_LONE_SURROGATE.sub(rb"\\ufffd", text.encode()), allow_partial=True)


class Arguments(NamedTuple):
    """Tool arguments as far as they have arrived."""

    value: Any  #: what can be read so far; None when nothing can
    is_complete: bool  #: valid JSON from the first to the last character
    problem: str  #: why it is not valid yet, "" when it is


def arguments(text: str) -> Arguments:
    """Tool arguments while they grow: what can be read, and whether it is valid JSON yet. Never raises."""
    if not text:
        return Arguments(None, False, "nothing yet")
    try:
        return Arguments(from_json(text), True, "")
    except ValueError as error:
        problem = str(error)
    try:
        return Arguments(from_json(text, allow_partial="trailing-strings"), False, problem)
    except ValueError:
        return Arguments(None, False, problem)
