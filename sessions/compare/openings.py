"""How two connections were opened differently: accepted or refused, status, headers, compression, times.

Its one rule: headers that change with every answer (dates, request ids, traces) are compared by their names
only. A socket and an HTTP request are opened differently by nature: between them only who answered and how
long the way took are compared, never what describes the body of an answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sessions.compare.difference import Difference, Weight, weigh
from sessions.compare.events import listed
from sessions.compare.side import Opening, Side
from sessions.compare.timings import slower
from sessions.moves import LOST, Ending

#: headers of which the value says nothing about the server's behaviour
_VOLATILE = re.compile(
    r"date|age|server-timing|.*request-id|.*trace.*|.*-ray|.*processing-ms|.*-ms|set-cookie|etag|via|"
    r"x-ratelimit-.*|sec-websocket-accept|content-length|.*call-id|.*-cost|x-envoy-.*|report-to|nel"
)
#: headers of the protocol itself, compared by what they mean elsewhere
_OF_PROTOCOL = frozenset(
    {"connection", "upgrade", "sec-websocket-accept", "sec-websocket-extensions", "transfer-encoding",
     "keep-alive", "content-length", "date"}
)  # fmt: skip

#: headers that describe a body, or how it is kept: a 101 has none
_OF_BODY = re.compile(
    r"content-.*|cache-control|expires|pragma|vary|accept-ranges|last-modified|alt-svc|link|trailer|"
    r"x-accel-.*|x-content-type-options|access-control-.*|sec-websocket-.*|strict-transport-security"
)

#: headers that say who answered
_WHO = frozenset({"server", "x-powered-by"})
#: headers that a product adds for its own people: all that one side has of them are one difference
_OF_A_PRODUCT = re.compile(r"x-(?!powered-by)[\w-]+|llm_provider-[\w-]+")
_OTHER_HOP = "The two transports may be answered by different programs on the way."


def opening_differences(a: Side, b: Side) -> Iterator[Difference]:
    """What differs between the first openings of two sides; nothing when a recording has none."""
    if not a.openings or not b.openings:
        return
    one, other = a.openings[0], b.openings[0]
    yield from _outcome(a.label, b.label, one, other)
    if one.is_refused or other.is_refused:
        return
    yield from _headers(a.label, b.label, one, other)
    is_across = one.is_http != other.is_http
    if not is_across and one.compression.partition(";")[0] != other.compression.partition(";")[0]:
        yield Difference(
            0, "compression", Weight.HARMLESS, one.compression, other.compression,
            f"compression: {a.label} {one.compression}, {b.label} {other.compression}",
            "Messages mean the same; the side without it sends more bytes.",
        )  # fmt: skip
    was, now = (side.dialled_ms if is_across else side.total_ms for side in (one, other))
    if words := slower(a.label, b.label, was, now):
        yield Difference(
            0, "timing", Weight.HARMLESS, round(was, 1), round(now, 1),
            f"opening: {words}",
            "It is paid once for a socket, and for every request that needs a connection of its own.",
        )  # fmt: skip


def ending_differences(a: Side, b: Side) -> Iterator[Difference]:
    """Where only one server ended the connection, or the two with other codes."""
    if a.is_refused or b.is_refused or a.is_http != b.is_http:
        return
    was, now = _code(a.ending), _code(b.ending)
    if was != now:
        yield Difference(
            0, "ending", Weight.BREAKING, was, now,
            f"{a.label}: the server {_ended(a.ending)}; {b.label}: it {_ended(b.ending)}",
            "What this connection remembered is gone with it; clients reconnect or give up by this code.",
        )  # fmt: skip


def _outcome(a: str, b: str, one: Opening, other: Opening) -> Iterator[Difference]:
    was, now = _said(one), _said(other)
    if one.is_refused != other.is_refused or one.failure_class != other.failure_class:
        open_side = b if one.is_refused else a
        meaning = (
            f"Only {open_side} can be used this way."
            if one.is_refused != other.is_refused
            else "Neither can be used, and clients take the two refusals differently."
        )
        yield Difference(0, "opening", Weight.BREAKING, was, now, f"{a} {was}, {b} {now}", meaning)
    elif one.is_http == other.is_http and one.status != other.status:
        yield Difference(
            0, "opening", weigh(one.is_refused or max(one.status, other.status) >= 300), was, now,
            f"{a} {was}, {b} {now}",
            "Clients decide by the status whether to retry, to fall back or to give up.",
        )  # fmt: skip


def _headers(a: str, b: str, one: Opening, other: Opening) -> Iterator[Difference]:
    names = sorted((one.headers.keys() | other.headers.keys()) - _OF_PROTOCOL)
    is_across = one.is_http != other.is_http
    lone: dict[str, list[str]] = {}
    for name in names:
        was, now = one.headers.get(name), other.headers.get(name)
        if is_across and (_OF_BODY.fullmatch(name) or _VOLATILE.fullmatch(name)):
            continue
        if was == now or (was is not None and now is not None and _VOLATILE.fullmatch(name)):
            continue
        if _OF_A_PRODUCT.match(name) and (was is None or now is None):
            lone.setdefault(b if was is None else a, []).append(name)
            continue
        is_read = name == "sec-websocket-protocol" or (name == "content-type" and one.is_http)
        meaning = (
            "A client ends the connection when it did not offer the subprotocol, or cannot read the type."
            if is_read
            else (_OTHER_HOP if is_across and name in _WHO else "Nothing in the API hangs on it.")
        )
        words = f"{a} {'has none' if was is None else was}, {b} {'has none' if now is None else now}"
        yield Difference(0, "headers", weigh(is_read), was, now, f"header {name}: {words}", meaning)
    for side, own in lone.items():
        yield Difference(
            0, "headers", Weight.HARMLESS, own if side == a else None, own if side == b else None,
            f"only {side} has the header{'s' if len(own) > 1 else ''} {listed(own)}",
            "A product on the way tells of itself; nothing in the API hangs on it.",
        )  # fmt: skip


def _said(opening: Opening) -> str:
    if opening.is_refused:
        status = f" with {opening.status}" if opening.status else ""
        return f"refused{status} ({opening.failure_class})"
    return f"answered {opening.status}" if opening.status else "accepted"


def _code(ending: Ending | None) -> int | None:
    return ending.code if ending is not None else None


def _ended(ending: Ending | None) -> str:
    if ending is None:
        return "left the connection open"
    return "ended it without a close frame" if ending.code == LOST else f"closed it with {ending.code}"
