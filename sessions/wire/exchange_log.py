"""What an HTTP exchange of a tapped client becomes in a recording: REQUEST, RESPONSE, SSE, and how it ended.

Its one rule: it reads copies. Nothing here waits, and nothing that it cannot read stops the exchange; it says
so in a note. Heads are masked here; bodies are masked by whoever stores the records.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sessions import sse
from sessions.bodies import Unpacker
from sessions.contract import FAILURES
from sessions.errors import ConnectError
from sessions.records import NO_META, Direction, Kind, Meta, Record
from sessions.redact import text
from sessions.redact import url as redacted_url
from sessions.source import Clock
from sessions.wire.plan import Plan
from sessions.wire.upgrade import masked_head

if TYPE_CHECKING:  # a type only, so that whoever reads a log does not load HTTP
    from sessions.wire.dial import Dial
    from sessions.wire.http_client import Passage

#: of one body no more than this is kept in a record; all of it is passed on
MAX_KEPT_BYTES = 64 << 20
_DETAIL_CHARACTERS = 300
#: in place of what dialling took
_KEPT_CONNECTION: Meta = {"connection": "kept"}


@dataclass(frozen=True, slots=True)
class Request:
    """The head of a client's request, and what is known of the client."""

    method: str
    target: str  #: as the client wrote it
    head: bytes = field(repr=False)  #: as the client sent it, with the empty line at its end
    sent: bytes = field(repr=False)  #: the same for the upstream: with its target and its Host
    secrets: tuple[str, ...] = field(default=(), repr=False)  #: exact texts that no record may hold
    facts: Meta = field(default_factory=dict)  #: tap, peer, client, pair, thread


class ExchangeLog:
    """The records of one exchange, told in their order."""

    def __init__(self, request: Request, tell: Callable[[Record], object], plan: Plan, clock: Clock) -> None:
        self.request = request
        self.plan = plan
        self._tell = tell
        self._clock = clock
        self._began = clock.elapsed()
        self._secrets = tuple(dict.fromkeys((*plan.secrets, *request.secrets)))
        self._upload = _Kept()
        self._is_requested = False
        self._answer = _Kept()  # of a body that is no stream
        self._answer_head: tuple[bytes, dict[str, str | int | float]] | None = None
        self._splitter: sse.Splitter | None = None
        self._unpacker = Unpacker("")
        self._is_unparsed = False
        self._received = 0

    # The request -------------------------------------------------------------------------------------

    def upload(self, piece: bytes) -> None:
        """Keep a copy of the client's body."""
        self._upload.add(piece)

    def requested(self) -> None:
        """Tell the request, once: when its body is complete, or before anything answers it."""
        if self._is_requested:
            return
        self._is_requested = True
        request = self.request
        head, masked = masked_head(request.head, self._secrets)
        meta = {**self._place(), "head": len(head)}
        if encoding := _header(request.head, b"content-encoding"):
            meta["encoding"] = encoding
        self._record(Kind.REQUEST, Direction.CLIENT, head + self._upload.taken(meta), meta, masked)

    # The answer --------------------------------------------------------------------------------------

    def answered(self, passage: Passage, dial: Dial) -> None:
        """Take the head of the answer; a stream's is told at once, any other with its body.

        A dial that has dialled nothing means that the request went over a connection that was there already.
        """
        self.requested()
        head, masked = masked_head(passage.head, self._secrets)
        meta: dict[str, str | int | float] = {
            "status": passage.status,
            "head": len(head),
            "ms": self._milliseconds(),
            **(_reached(dial) or _KEPT_CONNECTION),
        }
        encoding = passage.header("content-encoding").strip()
        if encoding.lower() not in ("", "identity"):
            meta["encoding"] = encoding
        is_stream = passage.header("content-type").lower().startswith("text/event-stream")
        self._unpacker = Unpacker(encoding)
        if masked:
            meta["masked"] = ",".join(masked)
        if is_stream and not self._unpacker.problem:
            self._splitter = sse.Splitter()
            self._record(Kind.RESPONSE, Direction.SERVER, head, meta)
            return
        if is_stream:
            self.unparsed(f"the answer's stream is kept as it came: {self._unpacker.problem}")
        self._answer_head = (head, meta)

    def piece(self, piece: bytes) -> None:
        """Take bytes of the answer's body, chunk sizes left out."""
        self._received += len(piece)
        if self._splitter is None:
            self._answer.add(piece)
            return
        for block in self._splitter.feed(self._unpacker.feed(piece)):
            self._block(block)
        if self._unpacker.problem:
            self.unparsed(f"the answer's stream cannot be read any further: {self._unpacker.problem}")

    def _block(self, block: sse.Piece) -> None:
        meta: dict[str, str | int | float] = {}
        if block.is_cut:
            meta["cut"] = 1
        self._record(Kind.SSE, Direction.SERVER, block.raw, meta)

    def unparsed(self, detail: str) -> None:
        """Tell, once, that what came cannot be read; it was passed on all the same."""
        if not self._is_unparsed:
            self._is_unparsed = True
            self.requested()
            note: Meta = {"note": "unparsed", "direction": "server", "at": self._received, "detail": detail}
            self._record(Kind.NOTE, Direction.LOCAL, b"", note)

    # The end -----------------------------------------------------------------------------------------

    def half_ended(self) -> None:
        """Tell that the client has ended its half: it may wait for the rest of its answer, or be gone."""
        meta: Meta = {"note": "half_ended", "direction": "client", "ms": self._milliseconds()}
        self._record(Kind.NOTE, Direction.LOCAL, b"", meta)

    def ended(self) -> None:
        """Tell that the answer came to its end."""
        self._finish()
        self._record(
            Kind.NOTE,
            Direction.LOCAL,
            b"",
            {"note": "end", "ms": self._milliseconds(), "bytes": self._received},
        )

    def lost(self, detail: str) -> None:
        """Tell that the exchange broke; `detail` says who ended it."""
        self.requested()
        self._finish()
        meta: Meta = {"detail": detail, "ms": self._milliseconds(), "bytes": self._received}
        self._record(Kind.LOST, Direction.LOCAL, b"", meta)

    def refused(self, error: ConnectError, dial: Dial) -> None:
        """Tell that the upstream could not be reached."""
        self.requested()
        meta: dict[str, str | int | float] = {
            **self._place(),
            "failure_class": error.failure_class.value,
            "detail": text(error.detail, self._secrets).value,
            **_reached(dial),
        }
        if error.remedy != FAILURES[error.failure_class][1]:
            meta["remedy"] = error.remedy
        body = text(error.body, self._secrets, where="body")
        self._record(Kind.REFUSED, Direction.LOCAL, body.value.encode(), meta, body.masked)

    def _finish(self) -> None:
        """Tell what is still kept back."""
        if self._answer_head is not None:
            head, meta = self._answer_head
            self._answer_head = None
            self._record(Kind.RESPONSE, Direction.SERVER, head + self._answer.taken(meta), meta)
        if self._splitter is not None and (rest := self._splitter.end()) is not None:
            self._block(rest)

    # Records -----------------------------------------------------------------------------------------

    def _place(self) -> dict[str, str | int | float]:
        request, endpoint = self.request, self.plan.endpoint
        target = request.sent.partition(b" ")[2].partition(b" ")[0].decode("latin-1")
        address = target if "://" in target else f"{endpoint.origin}{target}"
        return {
            "method": request.method,
            "target": self._masked_url(request.target),
            "url": self._masked_url(address),
            "route": self.plan.route.text,
            "profile": self.plan.profile,
            **request.facts,
        }

    def _masked_url(self, address: str) -> str:
        return redacted_url(text(address, self._secrets).value, self._secrets).value

    def _milliseconds(self) -> float:
        return round((self._clock.elapsed() - self._began) * 1000, 1)

    def _record(
        self,
        kind: Kind,
        direction: Direction,
        payload: bytes,
        meta: Meta,
        masked: tuple[str, ...] = (),
    ) -> None:
        if masked:
            meta = {**meta, "masked": ",".join(masked)}
        clock = self._clock
        self._tell(
            Record(
                self.plan.session, direction, kind, clock.wall(), clock.elapsed(), payload, meta or NO_META
            )
        )


class _Kept:
    """A copy of a body, as far as it is kept."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        self._left_out = 0

    def add(self, piece: bytes) -> None:
        room = MAX_KEPT_BYTES - self._size
        if room > 0:
            self._pieces.append(piece[:room])
        self._size += min(len(piece), max(0, room))
        self._left_out += max(0, len(piece) - max(0, room))

    def taken(self, meta: dict[str, str | int | float]) -> bytes:
        """All of it; what is missing is noted in `meta`."""
        if self._left_out:
            meta["left_out"] = self._left_out
        body = b"".join(self._pieces)
        self._pieces.clear()
        return body


def header_pairs(head: bytes) -> list[tuple[bytes, bytes]]:
    """The headers of a head, in their order."""
    pairs = []
    for line in head.replace(b"\r\n", b"\n").split(b"\n")[1:]:
        name, colon, value = line.partition(b":")
        if colon:
            pairs.append((name.strip(), value.strip()))
    return pairs


def _header(head: bytes, name: bytes) -> str:
    found = next((value for key, value in header_pairs(head) if key.lower() == name), b"")
    return found.decode("latin-1")


def _reached(dial: Dial) -> dict[str, str | int | float]:
    """How far dialling came, and how long each stage took."""
    reached: dict[str, str | int | float] = {**dial.timings}
    if dial.address:
        reached["address"] = dial.address
    if dial.tls:
        reached["tls"] = dial.tls
    return reached
