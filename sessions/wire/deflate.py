"""permessage-deflate as a passive reader needs it: what was agreed on, and messages made plain.

Its one rule: a stream that breaks, or grows beyond its bound, is told and never guessed at. It compresses
nothing and holds, beside zlib's own window, at most the messages that this window reaches back to.
"""

from __future__ import annotations

import zlib
from collections import deque
from typing import NamedTuple

from websockets.exceptions import InvalidHeaderFormat
from websockets.headers import parse_extension

_NAME = "permessage-deflate"
#: every message's deflate stream ends with these bytes, which are not sent (RFC 7692, 7.2.1)
_TAIL = b"\x00\x00\xff\xff"
_WINDOW_BYTES = 32_768
#: so many streams may one message consist of; ordinary senders need one, and each costs a copy of the rest
_MAX_STREAMS = 16


class Agreement(NamedTuple):
    """What the 101's Sec-WebSocket-Extensions says about compression."""

    is_deflate: bool = False
    client_keeps_context: bool = True
    server_keeps_context: bool = True
    unknown: str = ""  #: extensions that are not understood here, or the header when it cannot be read


class Broken(NamedTuple):
    """Why a compressed message cannot be made plain."""

    said: str


def agreement(extensions: str) -> Agreement:
    """What the value of a 101's Sec-WebSocket-Extensions header agrees on; never raises."""
    if not extensions.strip():
        return Agreement()
    try:
        listed = parse_extension(extensions)
    except InvalidHeaderFormat:
        return Agreement(unknown=extensions)
    unknown = [name for name, _ in listed if name.lower() != _NAME]
    for name, parameters in listed:
        if name.lower() == _NAME:
            said = {key.lower() for key, _ in parameters}
            return Agreement(
                is_deflate=True,
                client_keeps_context="client_no_context_takeover" not in said,
                server_keeps_context="server_no_context_takeover" not in said,
                unknown=", ".join(unknown),
            )
    return Agreement(unknown=", ".join(unknown))


class Inflation:
    """The compressed messages of one direction, in their order.

    Window bits are not a parameter: a window of 15 bits reads what any smaller one wrote, also that of an
    encoder that goes beyond what it agreed on.
    """

    def __init__(self, *, keeps_context: bool, limit_bytes: int) -> None:
        self._keeps_context = keeps_context
        self._limit_bytes = limit_bytes
        self._decoder = zlib.decompressobj(wbits=-15)
        self._recent: deque[bytes] = deque()  # what the window holds, for a stream that ends and begins anew
        self._recent_bytes = 0
        self.is_broken = False  #: no later message can be read: its context is lost

    def inflate(self, compressed: bytes) -> bytes | Broken:
        """One whole message made plain, or why it cannot be."""
        if self.is_broken:
            return Broken("compressed still: its context was lost before")
        if not self._keeps_context:
            self._decoder = zlib.decompressobj(wbits=-15)
        plain = self._plain(compressed + _TAIL)
        if isinstance(plain, Broken):
            self.is_broken = self._keeps_context
        elif self._keeps_context:
            self._remember(plain)
        return plain

    def lose(self) -> None:
        """Note that a compressed message was not kept, and with it the context of those that follow."""
        self.is_broken = self._keeps_context

    def _plain(self, compressed: bytes) -> bytes | Broken:
        out: list[bytes] = []
        left = self._limit_bytes + 1
        for _ in range(_MAX_STREAMS):
            decoder = self._decoder
            try:
                plain = decoder.decompress(compressed, left)
            except zlib.error as error:
                return Broken(f"its deflate stream is broken ({_reason(error)})")
            out.append(plain)
            left -= len(plain)
            if left <= 0 or decoder.unconsumed_tail:
                return Broken(
                    f"it would inflate to more than {self._limit_bytes} bytes, so it was not inflated"
                )
            if not decoder.eof:
                return plain if len(out) == 1 else b"".join(out)
            # A final block may end any message's stream; the window lives on (RFC 7692, 7.2.3.4).
            compressed = decoder.unused_data
            window = b"".join([*self._recent, *out])[-_WINDOW_BYTES:]
            self._decoder = zlib.decompressobj(wbits=-15, zdict=window)
            if compressed in (b"", b"\x00" + _TAIL, _TAIL):
                return b"".join(out)  # an empty block, or its tail, closed what was already final
        return Broken(f"it consists of more than {_MAX_STREAMS} deflate streams, so it was not inflated")

    def _remember(self, plain: bytes) -> None:
        if not plain:
            return
        kept = plain[-_WINDOW_BYTES:]
        self._recent.append(kept)
        self._recent_bytes += len(kept)
        while self._recent_bytes - len(self._recent[0]) >= _WINDOW_BYTES:
            self._recent_bytes -= len(self._recent.popleft())


def _reason(error: zlib.error) -> str:
    """What zlib says, without its own numbering."""
    return str(error).rpartition(": ")[2] or str(error)
