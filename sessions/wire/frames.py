"""One direction of somebody else's WebSocket, read from a copy of its bytes: messages, pings, closes.

Its one rule: it only looks. What breaks a rule is told beside its bytes and never raised, what is too large
to keep is counted, and where the next frame begins is followed as long as that can be known. It answers
nothing and holds at most one message that is not complete.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from websockets.exceptions import ProtocolError
from websockets.frames import Close

from sessions.records import NO_META, Kind, Meta
from sessions.wire.deflate import Broken, Inflation, agreement

try:
    from websockets.speedups import apply_mask
except ImportError:  # websockets was installed without its compiled part
    from websockets.utils import apply_mask

#: the largest message that is kept; above it, also after inflating, bytes are counted only
MAX_MESSAGE_BYTES = 256 * 1024 * 1024
_FIN, _RSV, _RSV1, _RSV23, _OPCODE = 0x80, 0x70, 0x40, 0x30, 0x0F
_MASKED = 0x80
_CONT, _TEXT, _BINARY, _CLOSE = 0x0, 0x1, 0x2, 0x8
_WHOLE_TEXT = _FIN | _TEXT
_CONTROL_KINDS = {0x8: Kind.CLOSE, 0x9: Kind.PING, 0xA: Kind.PONG}
_MAX_CONTROL_BYTES = 125
_MAX_LENGTH = 1 << 63  # the first bit of a 64-bit length is always 0 (RFC 6455, 5.2)


class Seen(NamedTuple):
    """A message or a control frame that is complete; or, as a NOTE, what belongs to neither."""

    kind: Kind  #: TEXT, BINARY, PING, PONG, CLOSE; NOTE: see `problem`, the payload is kept
    payload: bytes  #: unmasked and inflated; as it crossed the wire when `problem` says so
    wire_bytes: int  #: its frames' payloads as they crossed the wire
    frames: int = 1
    problem: str = ""  #: which rule it breaks, or what could not be done with it, in words
    at_byte: int = (
        0  #: where the frame that completed it began, counted from the head's end; 0 without a problem
    )

    def meta(self) -> Meta:
        """Its facts as they stand beside the payload in a record; empty for a plain, whole frame."""
        if self.kind is Kind.CLOSE:
            code, reason = close_words(self.payload)
            meta: dict[str, str | int | float] = {"code": code, "reason": reason}
        elif self.frames == 1 and self.wire_bytes == len(self.payload) and not self.problem:
            return NO_META
        else:
            meta = {}
            if self.frames > 1 or self.wire_bytes != len(self.payload):
                meta["wire"] = self.wire_bytes
            if self.frames > 1:
                meta["frames"] = self.frames
        if self.problem:
            meta["problem"] = self.problem
            meta["at_byte"] = self.at_byte
        return meta


def close_words(payload: bytes) -> tuple[int, str]:
    """The code and the reason of a close frame; 1005 when it has no code (RFC 6455, 7.1.5)."""
    if len(payload) < 2:
        return 1005, ""
    return int.from_bytes(payload[:2]), payload[2:].decode("utf-8", "replace")


class Frames:
    """The frames of one direction; fed with its bytes in any pieces, it gives what became complete.

    `is_client` says whose bytes they are, `extensions` is the 101's Sec-WebSocket-Extensions.
    """

    def __init__(
        self, *, is_client: bool, extensions: str = "", limit_bytes: int = MAX_MESSAGE_BYTES
    ) -> None:
        agreed = agreement(extensions)
        keeps_context = agreed.client_keeps_context if is_client else agreed.server_keeps_context
        self._side = "client" if is_client else "server"
        self._mask_bit = _MASKED if is_client else 0
        self._unknown_extensions = agreed.unknown
        self._limit_bytes = limit_bytes
        self._inflation = (
            Inflation(keeps_context=keeps_context, limit_bytes=limit_bytes) if agreed.is_deflate else None
        )
        self.bytes_seen = 0  #: everything that was fed, understood or not
        self.is_readable = True  #: False: where a frame begins is no longer known, bytes are counted only
        # a frame that is not complete
        self._rest = bytearray()
        self._needed = 0  # so many bytes complete its header, or itself
        self._skipped: tuple[int, int, int, int] | None = (
            None  # two first bytes, length, place of one not kept
        )
        self._to_skip = 0
        # a message that is not complete
        self._kind: Kind | None = None
        self._parts = bytearray()
        self._wire_bytes = 0
        self._frames = 0
        self._is_compressed = False
        self._is_kept = True
        self._problems: list[str] = []
        self._is_closed = False

    def feed(self, data: bytes) -> list[Seen | bytes]:
        """What these bytes complete, in the order in which it became complete; never raises.

        A text message of one frame about which there is nothing more to say is its payload alone.
        """
        self.bytes_seen += len(data)
        seen: list[Seen | bytes] = []
        if not self.is_readable:
            return seen
        if self._to_skip:
            data = self._skip(data, seen)
        if self._needed:
            self._rest += data
            if len(self._rest) < self._needed:
                return seen
            data = bytes(self._rest)
            self._rest.clear()
            self._needed = 0
        at, end = 0, len(data)
        origin = self.bytes_seen - end
        mask_bit, limit = self._mask_bit, self._limit_bytes
        is_free = self._kind is None and not self._is_closed
        add = seen.append
        while end - at >= 2:
            first, second = data[at], data[at + 1]
            length = second & 0x7F
            start = at + 2
            is_plain = is_free
            if length >= 126:
                start, least = (at + 4, 126) if length == 126 else (at + 10, 1 << 16)
                if start > end:
                    break
                length = int.from_bytes(data[at + 2 : start])
                is_plain = is_free and length >= least
            is_masked = second & _MASKED
            if is_masked:
                start += 4
            stop = start + length
            if length > limit:
                at = self._too_large(first, second, length, at, data, origin, seen)
                is_free = self._kind is None and not self._is_closed
                continue
            if stop > end:
                break
            payload = data[start:stop]
            if is_masked:
                payload = apply_mask(payload, data[start - 4 : start])
            if first == _WHOLE_TEXT and is_masked == mask_bit and is_plain and payload.isascii():
                add(payload)  # the hot path
            else:
                self._frame(first, second, payload, length, origin + at, seen)
                is_free = self._kind is None and not self._is_closed
            at = stop
        if at < end:
            self._rest += data[at:] if at else data
            self._needed = _needed(self._rest)
        return seen

    def end(self) -> Seen | None:
        """What was left when the stream ended: an unfinished message's bytes and what it lacks; or None."""
        at_byte = self.bytes_seen - len(self._rest)
        if not self.is_readable:
            return None
        said: list[str] = []
        left = bytes(self._parts)
        if self._skipped is not None:
            length = self._skipped[2]
            said.append(f"in a frame of {length} bytes that was not kept: {self._to_skip} are missing")
        elif self._rest:
            piece, words = self._cut_frame(bytes(self._rest))
            left += piece
            said.append(words)
        if self._kind is not None:
            said.append(f"in a message: {self._frames} frames of it came, its last frame did not")
            if self._is_compressed:
                said.append("what came of it is compressed still")
        wire_bytes = self._wire_bytes + len(self._rest)
        frames = self._frames
        self._rest.clear()
        self._forget_message()
        self._needed = self._to_skip = 0
        self._skipped = None
        self.is_readable = False
        if not said:
            return None
        return Seen(Kind.NOTE, left, wire_bytes, frames, f"the {self._side} ended {'; '.join(said)}", at_byte)

    # Frames ----------------------------------------------------------------------------------------------

    def _frame(
        self, first: int, second: int, payload: bytes, length: int, at_byte: int, seen: list[Seen | bytes]
    ) -> None:
        """Take one complete frame; `length` is that of its header, the payload may be missing."""
        opcode = first & _OPCODE
        problems = self._oddities(first, second, length)
        if opcode in _CONTROL_KINDS:
            kind = _CONTROL_KINDS[opcode]
            if not first & _FIN:
                problems.append("a fragmented control frame")
            if length > _MAX_CONTROL_BYTES:
                problems.append(f"a control frame of {length} bytes, {_MAX_CONTROL_BYTES} are allowed")
            if kind is Kind.CLOSE:
                problems += _close_problems(payload)
                self._is_closed = True
            seen.append(_seen(kind, payload, length, 1, problems, at_byte))
        elif opcode == _CONT:
            if self._kind is None:
                problems.append("a continuation frame, but no message was begun")
                seen.append(_seen(Kind.NOTE, payload, length, 1, problems, at_byte))
            else:
                self._add(first, payload, length, problems, at_byte, seen)
        elif opcode in (_TEXT, _BINARY):
            if self._kind is not None:
                said = f"a message of {self._frames} frames was never finished: the next one began"
                unfinished = [*self._problems, said]
                seen.append(
                    _seen(Kind.NOTE, bytes(self._parts), self._wire_bytes, self._frames, unfinished, at_byte)
                )
                self._forget_message()
            self._kind = Kind.TEXT if opcode == _TEXT else Kind.BINARY
            self._is_compressed = bool(first & _RSV1) and self._inflation is not None
            self._add(first, payload, length, problems, at_byte, seen)
        else:
            problems.append(f"the reserved opcode 0x{opcode:X}")
            seen.append(_seen(Kind.NOTE, payload, length, 1, problems, at_byte))

    def _add(
        self,
        first: int,
        payload: bytes,
        length: int,
        problems: list[str],
        at_byte: int,
        seen: list[Seen | bytes],
    ) -> None:
        """Add a frame to the message, and tell the message when it was the last one."""
        self._frames += 1
        self._wire_bytes += length
        self._problems += (one for one in problems if one not in self._problems)
        if len(payload) < length or len(self._parts) + length > self._limit_bytes:
            self._is_kept = False
            self._parts.clear()
        kind, is_whole = self._kind, bool(first & _FIN)
        assert kind is not None  # only a begun message is added to
        if not is_whole or self._frames > 1:
            if self._is_kept:
                self._parts += payload
            if not is_whole:
                return
            payload = bytes(self._parts)
        said = self._problems
        if not self._is_kept:
            payload = b""
            said.append(f"a message of more than {self._limit_bytes} bytes, which were counted and not kept")
            if self._is_compressed and self._inflation is not None:
                self._inflation.lose()
        elif self._is_compressed and self._inflation is not None:
            plain = self._inflation.inflate(payload)
            if isinstance(plain, Broken):
                said.append(plain.said)
            else:
                payload = plain
                self._is_compressed = False
        if kind is Kind.TEXT and not self._is_compressed and not payload.isascii():
            said += _text_problems(payload)
        seen.append(_seen(kind, payload, self._wire_bytes, self._frames, said, at_byte))
        self._forget_message()

    def _oddities(self, first: int, second: int, length: int) -> list[str]:
        """The rules of RFC 6455, 5.2 and 5.5.1, that a frame's header breaks."""
        problems: list[str] = []
        if (second & _MASKED) != self._mask_bit:
            problems.append(f"{'an unmasked' if self._mask_bit else 'a masked'} frame from the {self._side}")
        if first & _RSV:
            opcode = first & _OPCODE
            may_be_compressed = self._inflation is not None and opcode in (_TEXT, _BINARY)
            unexpected = first & (_RSV23 if may_be_compressed else _RSV)
            bits = [f"RSV{number}" for number, bit in ((1, 0x40), (2, 0x20), (3, 0x10)) if unexpected & bit]
            if bits:
                why = f"set by {self._unknown_extensions}?" if self._unknown_extensions else "not agreed on"
                problems.append(f"{' and '.join(bits)} set: {why}")
        coded = second & 0x7F
        if (coded == 126 and length < 126) or (coded == 127 and length < 1 << 16):
            problems.append("its length is written in more bytes than it needs")
        if self._is_closed:
            problems.append("sent after the close frame")
        return problems

    def _too_large(
        self,
        first: int,
        second: int,
        length: int,
        at: int,
        data: bytes,
        origin: int,
        seen: list[Seen | bytes],
    ) -> int:
        """A frame that will not be kept: tell it at once; where reading goes on."""
        at_byte = origin + at
        if length >= _MAX_LENGTH:
            said = f"a frame of {length} bytes, more than any frame can have: nothing is read from here on"
            seen.append(Seen(Kind.NOTE, b"", 0, 0, said, at_byte))
            self.is_readable = False
            self._forget_message()
            return len(data)
        said = f"a frame of {length} bytes begins; more than {self._limit_bytes} are counted and not kept"
        seen.append(Seen(Kind.NOTE, b"", 0, 0, said, at_byte))
        header = 4 if second & 0x7F == 126 else 10
        if second & 0x7F < 126:
            header = 2
        self._skipped = (first, second, length, at_byte)
        self._to_skip = header + (4 if second & _MASKED else 0) + length
        after = self._skip(data[at:], seen)
        return len(data) - len(after)

    def _skip(self, data: bytes, seen: list[Seen | bytes]) -> bytes:
        """Pass over the payload of a frame that is not kept; what follows it."""
        if len(data) < self._to_skip:
            self._to_skip -= len(data)
            return b""
        after = data[self._to_skip :]
        self._to_skip = 0
        assert self._skipped is not None  # set together with the number of bytes to skip
        first, second, length, at_byte = self._skipped
        self._skipped = None
        self._frame(first, second, b"", length, at_byte, seen)
        return after

    def _cut_frame(self, rest: bytes) -> tuple[bytes, str]:
        """What there is of a frame's payload, and in words where it was cut."""
        if len(rest) < 2 or len(rest) < _header_bytes(rest):
            return b"", f"in the header of a frame: {len(rest)} bytes of it came"
        header = _header_bytes(rest)
        payload = rest[header:]
        if rest[1] & _MASKED:
            payload = apply_mask(payload, rest[header - 4 : header])
        lacking = _needed(bytearray(rest)) - len(rest)
        return payload, f"in a frame: {len(payload)} bytes of it came, {lacking} did not"

    def _forget_message(self) -> None:
        self._kind = None
        self._parts.clear()
        self._wire_bytes = self._frames = 0
        self._is_compressed = False
        self._is_kept = True
        self._problems = []


def _header_bytes(rest: bytes | bytearray) -> int:
    """The length of a frame's header, mask key included, that begins with these two bytes or more."""
    coded = rest[1] & 0x7F
    return 2 + (2 if coded == 126 else 8 if coded == 127 else 0) + (4 if rest[1] & _MASKED else 0)


def _needed(rest: bytearray) -> int:
    """How many bytes a frame that begins like this needs before more can be said of it."""
    if len(rest) < 2:
        return 2
    coded = rest[1] & 0x7F
    if coded < 126:
        return _header_bytes(rest) + coded
    stop = 4 if coded == 126 else 10
    if len(rest) < stop:
        return stop
    return _header_bytes(rest) + int.from_bytes(rest[2:stop])


def _seen(
    kind: Kind, payload: bytes, wire_bytes: int, frames: int, problems: list[str], at_byte: int
) -> Seen:
    if problems:
        return Seen(kind, payload, wire_bytes, frames, "; ".join(problems), at_byte)
    return Seen(kind, payload, wire_bytes, frames)


def _text_problems(payload: bytes) -> list[str]:
    try:
        payload.decode()
    except UnicodeDecodeError as error:
        return [f"a text message that is not UTF-8: {error.reason} at byte {error.start}"]
    return []


def _close_problems(payload: bytes) -> list[str]:
    """What is wrong with a close frame's payload (RFC 6455, 5.5.1 and 7.4)."""
    try:
        Close.parse(payload)
    except ProtocolError:
        if len(payload) == 1:
            return ["a close frame with one byte, a code has two"]
        return [f"the close code {struct.unpack('!H', payload[:2])[0]} may not be sent"]
    except UnicodeDecodeError as error:
        return [f"a close reason that is not UTF-8: {error.reason} at byte {error.start + 2}"]
    return []
