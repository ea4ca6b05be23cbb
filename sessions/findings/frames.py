"""Rules about frames and messages as such: what they are made of, before anyone asks what they mean."""

from __future__ import annotations

from collections.abc import Iterator

from sessions.changes import What
from sessions.contract import Family, family
from sessions.dialects import DONE_MARKER, SSE_PREFIX, WRAPPED
from sessions.events import Event, Undecodable
from sessions.findings.seen import Claim, Seen
from sessions.records import Direction, Kind

_DEFAULT_LIMIT = 1 << 20  # bytes of a message that many client libraries accept unless told otherwise
_HEAVY_COMMAS = 100_000
_KEEPALIVES = ("keepalive", "ping")
_MARK = b"\xef\xbb\xbf"  # the byte order mark, in UTF-8


def look(seen: Seen) -> Iterator[Claim]:
    """What is wrong with this message as a message."""
    if seen.record.direction is Direction.CLIENT:
        yield from _sent(seen)
    elif seen.is_streamed:
        yield from _size(seen)
        if seen.is_frame:
            yield from _frame(seen)
        elif isinstance(seen.raw, Undecodable) and seen.details(What.UNDECODABLE):
            yield _undecodable(seen.record.payload, seen.raw)
        yield from _type(seen)


def _sent(seen: Seen) -> Iterator[Claim]:
    """What a client's message says about the client; what it was is remembered for the end of the socket."""
    record = seen.record
    if not seen.is_frame:
        return
    manners = seen.memory.manners(record.session)
    manners.sent_frame, manners.sent_bytes, manners.odd_frame = seen.number, len(record.payload), -1
    if seen.details(What.UNDECODABLE) and isinstance(seen.raw, Undecodable):
        manners.odd_frame, manners.odd_at = seen.number, record.elapsed
        yield Claim("client-frame-unreadable", f"{seen.raw.reason}: {_start(record.payload)}")
    elif seen.details(What.UNKNOWN) and seen.raw is not None:
        manners.odd_frame, manners.odd_at = seen.number, record.elapsed
        name = "" if isinstance(seen.raw, Undecodable) else seen.raw.type
        yield Claim("client-type-unknown", f"type {name[:80]!r}")


def _size(seen: Seen) -> Iterator[Claim]:
    payload = seen.record.payload
    if len(payload) > _DEFAULT_LIMIT:
        yield Claim("big-frame", f"{len(payload):,} bytes in one message")
        if (values := payload.count(b",")) > _HEAVY_COMMAS:
            yield Claim("heavy-frame", f"{values:,} values in one message")


def _frame(seen: Seen) -> Iterator[Claim]:
    record, raw = seen.record, seen.raw
    if record.kind is Kind.BINARY:
        yield Claim("binary-frame", f"a binary message of {len(record.payload):,} bytes")
    elif not _is_utf8(record.payload):
        yield Claim("invalid-utf8", f"a text message of {len(record.payload):,} bytes that is not UTF-8")
        return
    pieces = record.meta.get("frames")
    if isinstance(pieces, int) and pieces > 1:
        yield Claim("fragmented-message", f"one message in {pieces} frames")
    spellings = seen.reading.spellings if seen.reading is not None else ()
    if record.payload.startswith(_MARK):
        yield Claim(
            "byte-order-mark", f"it starts with EF BB BF, then {_start(record.payload[len(_MARK) :])}"
        )
        if isinstance(raw, Undecodable):
            return  # the mark may be why
    if SSE_PREFIX in spellings:
        yield Claim("sse-prefix", f"it starts with {_start(record.payload)}")
    elif DONE_MARKER in spellings:
        yield Claim("done-marker", f"the frame is {_start(record.payload)}")
    elif isinstance(raw, Undecodable):
        yield _undecodable(record.payload, raw)


def _type(seen: Seen) -> Iterator[Claim]:
    event = seen.event
    if event is None:
        return
    if WRAPPED in (seen.reading.spellings if seen.reading is not None else ()):
        keys = ", ".join(seen.raw.body)[:80] if isinstance(seen.raw, Event) else ""
        yield Claim("event-wrapped", f"{event.type[:80]} stands inside an object with {keys}, and no type")
    elif seen.details(What.UNKNOWN) and not event.type:
        yield Claim("type-missing", f"it starts with {_start(seen.record.payload)}")
    elif seen.details(What.UNKNOWN):
        yield Claim("unknown-type", f"type {event.type[:80]!r}")
    elif family(event.type) is Family.VENDOR and event.type in _KEEPALIVES:
        yield Claim("app-keepalive", f"type {event.type!r}")
    if b"\\ud" in seen.record.payload.lower() and any(map(_is_cut, event.body.values())):
        yield Claim("lone-surrogate", "a string has half of a surrogate pair")


def _undecodable(payload: bytes, raw: Undecodable) -> Claim:
    if raw.reason.startswith("JSON, but"):
        return Claim("not-an-object", f"{raw.reason}: {_start(payload)}")
    if raw.reason.startswith("nested"):
        return Claim("nested-deeply", raw.reason)
    return Claim("not-json", f"{raw.reason}: {_start(payload)}")


def _is_utf8(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_cut(value: object) -> bool:
    return isinstance(value, str) and any("\ud800" <= char <= "\udfff" for char in value)


def _start(payload: bytes) -> str:
    return repr(payload[:40].decode("utf-8", "replace"))
