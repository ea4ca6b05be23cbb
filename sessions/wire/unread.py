"""What a tap writes down about bytes that are no request: their beginning, masked, and what is wrong.

Its one rule: what cannot be read cannot be trusted to say where its credentials stand. Only what has the form
of a request line or of a header is kept as a head is; of every other line nothing but its first word.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sessions.contract import FailureClass
from sessions.masking import Masks
from sessions.records import Direction, Kind, Record
from sessions.redact import MASK, credentials, text
from sessions.redact import url as redacted_url
from sessions.wire.head import MAX_HEAD_BYTES, Unreadable
from sessions.wire.upgrade import masked_head

if TYPE_CHECKING:
    from sessions.wire.tap import Tap

#: of what came no more than this is kept
KEPT_BYTES = 2_048
_WORD_BYTES = 30
_NAME = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_REQUEST_LINE = re.compile(_NAME + rb" (?:[^\x00-\x20\x7f]+ HTTP/\d\.\d|[/*][^\x00-\x20\x7f]*)\r?")
_HEADER = re.compile(_NAME + rb":[^\x00]*")


def write_unread(tap: Tap, peer: str, received: bytes, problem: Unreadable) -> None:
    """Write down that a tap refused these bytes of a client, as a session of their own."""
    plan, clock = tap.next_plan(), tap.clock
    own = credentials(received[:MAX_HEAD_BYTES].decode("latin-1"))
    secrets = tuple(one for one in (*plan.secrets, tap.token.reveal(), *own) if one)
    payload, masked = masked_beginning(received, secrets)
    meta: dict[str, str | int | float] = {
        "url": redacted_url(plan.endpoint.url, secrets).value,
        "route": plan.route.text,
        "profile": plan.profile,
        "failure_class": FailureClass.PROTOCOL.value,
        "detail": text(f"the tap cannot read this request: {problem.said}", secrets).value,
        "by": "tap",
        "status": problem.status,
        "tap": tap.shown_url,
    }
    if peer:
        meta["peer"] = peer
    if masked:
        meta["masked"] = ",".join(masked)
    wall, elapsed = clock.wall(), clock.elapsed()
    record = Record(plan.session, Direction.LOCAL, Kind.REFUSED, wall, elapsed, payload, meta)
    tap.scribe.add(record, Masks(secrets))


def masked_beginning(received: bytes, secrets: tuple[str, ...]) -> tuple[bytes, tuple[str, ...]]:
    """The first bytes, up to the end of a head, without credentials; and the names of what was masked."""
    first, *lines = received.lstrip(b"\r\n")[:KEPT_BYTES].split(b"\n")
    kept = [first if _REQUEST_LINE.fullmatch(first) else _first_word(first)]
    is_hidden = kept[0] != first
    for line in lines:
        if not line.rstrip(b"\r"):
            kept += [line, b""] if line else [line]  # the head is over, or what came ends with its line
            break
        if _HEADER.fullmatch(line):
            kept.append(line)
        else:
            kept.append(_hidden(b"", line))
            is_hidden = True
    head, masked = masked_head(b"\n".join(kept), secrets)
    return head, (*masked, "line") if is_hidden else masked


def _first_word(line: bytes) -> bytes:
    word = re.split(rb"[\s/]", line[:_WORD_BYTES])[0]
    return line if line.rstrip(b"\r") == word else _hidden(word + b" ", line)


def _hidden(shown: bytes, line: bytes) -> bytes:
    return shown + MASK.encode() + (b"\r" if line.endswith(b"\r") else b"")
