"""Rules about frames and messages as such: what they are made of, before anyone asks what they mean."""

from __future__ import annotations

from collections.abc import Iterator

from sessions.changes import What
from sessions.contract import Family, family
from sessions.dialects import DONE_MARKER, SSE_PREFIX
from sessions.events import Undecodable
from sessions.findings.seen import Claim, Seen
from sessions.records import Kind

_DEFAULT_LIMIT = 1 << 20  # bytes of a message that many client libraries accept unless told otherwise
_HEAVY_COMMAS = 100_000


def look(seen: Seen) -> Iterator[Claim]:
    """What is wrong with this message as a message."""
    if not seen.is_from_server:
        return
    record, raw = seen.record, seen.raw
    size = len(record.payload)
    if size > _DEFAULT_LIMIT:
        yield Claim("big-frame", f"{size} bytes in one message")
        if record.payload.count(b",") > _HEAVY_COMMAS:
            yield Claim("heavy-frame", f"{record.payload.count(b',')} values in one message")
    if record.kind is Kind.BINARY:
        yield Claim("binary-frame", f"a binary message of {size} bytes")
    elif record.kind is Kind.TEXT and not _is_utf8(record.payload):
        yield Claim("invalid-utf8", f"a text message of {size} bytes that is not UTF-8")
        return
    pieces = record.meta.get("frames")
    if isinstance(pieces, int) and pieces > 1:
        yield Claim("fragmented-message", f"one message in {pieces} frames")
    spellings = seen.reading.spellings if seen.reading is not None else ()
    if SSE_PREFIX in spellings:
        yield Claim("sse-prefix", f"it starts with {_start(record.payload)}")
    elif DONE_MARKER in spellings:
        yield Claim("done-marker", f"the frame is {_start(record.payload)}")
    elif isinstance(raw, Undecodable):
        yield _undecodable(record.payload, raw)
    elif seen.details(What.UNKNOWN) and raw is not None:
        yield Claim("unknown-type", f"type {raw.type[:80]!r}")
    if (
        seen.event is not None
        and family(seen.event.type) is Family.VENDOR
        and seen.event.type in ("keepalive", "ping")
    ):
        yield Claim("app-keepalive", f"type {seen.event.type!r}")
    if b"\\ud" in record.payload.lower() and _has_lone_surrogate(seen):
        yield Claim("lone-surrogate", "a string ends in half of a surrogate pair")


def _undecodable(payload: bytes, raw: Undecodable) -> Claim:
    reason = raw.reason.lower()
    if "object" in reason:
        return Claim("not-an-object", f"{raw.reason}: {_start(payload)}")
    if "nest" in reason or "depth" in reason or "recursion" in reason:
        return Claim("nested-deeply", raw.reason)
    return Claim("not-json", f"{raw.reason}: {_start(payload)}")


def _is_utf8(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True


def _start(payload: bytes) -> str:
    return repr(payload[:40].decode("utf-8", "replace"))


def _has_lone_surrogate(seen: Seen) -> bool:
    return any(
        isinstance(value, str) and any("\ud800" <= char <= "\udfff" for char in value)
        for value in seen.body.values()
    )
