"""The JSON that a record carries, whatever it travelled in: a message, a server-sent event, an HTTP body.

Its one rule: a reader that asks here reads a WebSocket message and an HTTP exchange in the same words, so
nobody else looks for heads, data lines or encodings. It never raises and changes nothing.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

from sessions import sse
from sessions.events import Event, Undecodable, decode, whole
from sessions.records import Kind, Record

#: an encoded body is unpacked no further than this
MAX_BODY_BYTES = 256 << 20

_PLAIN = ("", "identity")
#: how `zlib` is told to read each encoding; 32 + 15: gzip or zlib, by what the bytes say
_WINDOWS = {"gzip": 47, "x-gzip": 47, "deflate": 47}
_TELLING_BYTES = 2
_RAW_DEFLATE = -15  # what some servers send as `deflate`
_ENDINGS = {
    "completed": "response.completed",
    "failed": "response.failed",
    "cancelled": "response.failed",
    "incomplete": "response.incomplete",
    "queued": "response.queued",
    "in_progress": "response.in_progress",
}


class Parts(NamedTuple):
    """The payload of a REQUEST or RESPONSE record in its two parts."""

    head: bytes  #: with the empty line that ends it
    body: bytes  #: as it crossed the wire, chunk sizes left out


class Unpacker:
    """An encoded body, chunk by chunk, as the bytes that were meant.

    `problem` says why it cannot be read, or not any further; from then on `feed` gives nothing.
    """

    def __init__(self, encoding: str) -> None:
        names = [one.strip().lower() for one in encoding.split(",")]
        self._names = [one for one in names if one not in _PLAIN]
        self._room = MAX_BODY_BYTES
        self._start = b""  # until it tells which of two formats `deflate` means
        self.problem = ""
        self._inflater: zlib._Decompress | None = None
        if self._names and (len(self._names) > 1 or self._names[0] not in _WINDOWS):
            self.problem = f"it is encoded as {', '.join(self._names)[:60]}, which is not read here"

    def feed(self, chunk: bytes) -> bytes:
        """What these bytes add. Never raises."""
        if self.problem or not self._names:
            return b"" if self.problem else chunk
        try:
            out = self._inflated(chunk)
        except zlib.error as error:
            self.problem = f"it says to be {self._names[0]}, and is not: {error}"
            return b""
        self._room -= len(out)
        if self._room <= 0:
            self.problem = f"unpacked it is larger than {MAX_BODY_BYTES >> 20} MiB"
        return out

    def _inflated(self, chunk: bytes) -> bytes:
        if self._inflater is None:
            chunk = self._start + chunk
            if len(chunk) < _TELLING_BYTES:
                self._start = chunk
                return b""
            self._inflater = zlib.decompressobj(_WINDOWS[self._names[0]])
            try:
                return self._inflater.decompress(chunk, self._room)
            except zlib.error:
                if self._names[0] != "deflate":
                    raise
                self._inflater = zlib.decompressobj(_RAW_DEFLATE)
        return self._inflater.decompress(chunk, self._room)


def unpacked(body: bytes, encoding: str) -> tuple[bytes, str]:
    """A whole body as it was meant, and why it could not be read, "" when it could."""
    unpacker = Unpacker(encoding)
    return unpacker.feed(body), unpacker.problem


def parts(record: Record) -> Parts:
    """Head and body of a REQUEST or RESPONSE record."""
    payload, head = record.payload, record.meta.get("head")
    if type(head) is not int or payload[max(0, head - 4) : head] != b"\r\n\r\n":
        head = payload.find(b"\r\n\r\n") + 4  # another program's record, or one without a body
        if head < 4:
            head = len(payload)
    return Parts(payload[:head], payload[head:])


def is_create(record: Record) -> bool:
    """Whether a REQUEST asks for a response: a POST to a path that ends in /responses, or one of our own."""
    if "exchange" in record.meta:
        return True
    path = str(record.meta.get("target", "")).partition("?")[0]
    return record.meta.get("method") == "POST" and path.rstrip("/").endswith("/responses")


def text_of(record: Record) -> bytes:
    """The JSON text of a record as it was meant: without head, data lines and encoding; b"" when none."""
    kind = record.kind
    if kind is Kind.SSE:
        return sse.data_of(record.payload)
    if kind is Kind.REQUEST or kind is Kind.RESPONSE:
        body = parts(record).body
        encoding = record.meta.get("encoding")
        return unpacked(body, encoding)[0] if isinstance(encoding, str) else body
    return record.payload


def event_of(record: Record) -> Event | Undecodable:
    """The event that a record is, in the words of a WebSocket message. Never raises."""
    kind = record.kind
    if kind is Kind.TEXT or kind is Kind.BINARY:
        return decode(record.payload)
    if kind is Kind.SSE and "cut" in record.meta:
        return Undecodable("the stream ended in the middle of this event", len(record.payload))
    return _on_its_lane(record, _named(record, decode(text_of(record))))


def whole_of(record: Record) -> Event | Undecodable:
    """The same with its complete body, however large; for when someone opens it. Never raises."""
    return _on_its_lane(record, _named(record, whole(text_of(record))))


def _on_its_lane(record: Record, event: Event | Undecodable) -> Event | Undecodable:
    """The event of a request that runs beside others: HTTP names no lane, so whoever sent it noted one."""
    lane = record.meta.get("lane")
    return event._replace(stream_id=lane) if isinstance(lane, str) and isinstance(event, Event) else event


def _named(record: Record, event: Event | Undecodable) -> Event | Undecodable:
    """An HTTP body under the name that the same facts have on a socket."""
    if isinstance(event, Undecodable):
        return event
    body, kind = event.body, record.kind
    if kind is Kind.SSE and not event.type:
        return event._replace(type=sse.read(record.payload).event)
    if kind is Kind.REQUEST and is_create(record):
        return event._replace(type="response.create", response_id=None, item_id=None)
    if kind is Kind.RESPONSE and (body.get("object") == "response" or type(body.get("output")) is list):
        status, response_id = body.get("status"), body.get("id")
        return Event(
            _ENDINGS.get(status if isinstance(status, str) else "", "response.completed"),
            {"response": body},
            response_id=response_id if isinstance(response_id, str) else None,
            is_partial=event.is_partial,
        )
    return event
