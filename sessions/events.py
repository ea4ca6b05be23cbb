"""Bytes of a message -> an event, or why they are none.

Its one rule: `decode` never raises, and never drops a field. Bodies are not validated: unknown types and
fields are normal. A very large message is read only as far as its envelope; the rest waits for `whole`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic_core import from_json

#: above this size a message made of many small values is read by its envelope only; reading and freeing
#: 16 MiB of small objects takes a second, 16 MiB of one string a few milliseconds (measured)
LARGE = 1 << 20
_MANY = 50_000  # commas and colons: a measure of how many objects would be made
_HEAD, _TAIL = 1 << 16, 1 << 14


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
    return _event(body) if type(body) is dict else whole(payload)


def whole(payload: bytes) -> Event | Undecodable:
    """The event with its complete body, however large; for when someone opens it. Never raises."""
    try:
        body = from_json(payload)
    except ValueError as error:
        try:
            # lone surrogates and deep nesting are refused above and read here
            body = json.loads(payload)
        except RecursionError:
            return Undecodable("nested too deeply to be read", 0)
        except json.JSONDecodeError as wrong:
            return Undecodable(f"not JSON: {wrong.msg}", len(wrong.doc[: wrong.pos].encode(errors="replace")))
        except UnicodeDecodeError as wrong:
            return Undecodable("not UTF-8", wrong.start)
        except ValueError:
            return Undecodable(f"not JSON: {error}", 0)
    if type(body) is not dict:
        return Undecodable(f"JSON, but {_kind(body)} instead of an object", 0)
    return _event(body)


def _event(body: dict[str, Any], is_partial: bool = False) -> Event:
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


_TYPE_AT_END = re.compile(
    rb'"type"\s*:\s*"([a-z_.]{1,80})"\s*(?:,\s*"[a-z_]{1,40}"\s*:\s*(?:"[^"\\]{0,300}"|-?\d{1,18}|true|false|null)\s*)*}\s*\Z'
)


def _envelope(payload: bytes) -> Event | Undecodable:
    try:
        body = from_json(payload[:_HEAD].decode(errors="ignore"), allow_partial=True)
    except ValueError as error:
        return Undecodable(f"not JSON: {error}", 0)
    if type(body) is not dict:
        return Undecodable(f"JSON, but {_kind(body)} instead of an object", 0)
    if "type" not in body and (found := _TYPE_AT_END.search(payload[-_TAIL:])):
        body["type"] = found[1].decode()
    return _event(body, is_partial=True)


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
        case _:
            return "something else"


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
