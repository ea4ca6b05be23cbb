"""What a rule is given: one record, what it changed, and what the judge remembers.

A rule reads and claims. What has to be remembered from record to record stands in the turn's `Track` or the
socket's `Manners`; it holds no part of the state, so that it outlives one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple

from sessions.bodies import event_of, is_create
from sessions.changes import Change, What
from sessions.dialects import Reading, read, unwrap
from sessions.events import Event, Undecodable
from sessions.findings.entry import Who
from sessions.records import Direction, Kind, Record
from sessions.session import Response, Session, Turn
from sessions.state import State

_MESSAGES = (Kind.TEXT, Kind.BINARY, Kind.SSE, Kind.RESPONSE)


class Claim(NamedTuple):
    """What a rule says: an id of the catalogue, and the evidence in a sentence."""

    id: str
    evidence: str
    records: tuple[int, ...] = ()  #: beside the record itself
    turn: int = -1  #: -1: that of the record
    who: Who | None = None  #: who can mend it, where this case differs from the catalogue's
    remedy: str = ""  #: what to do, where this case differs


class Track:
    """What is remembered of one turn."""

    __slots__ = (
        "asked",
        "broken",
        "brought",
        "errored",
        "expected",
        "is_orphan",
        "is_stuck",
        "lacking",
        "last_at",
        "last_hash",
        "last_number",
        "longest_silence",
        "most_tokens",
        "muddled",
        "numbered",
        "overhead",
        "parts",
        "settings",
        "terminal",
        "unnumbered",
    )

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}  #: settings of its create that a server echoes
        #: calls that the input of its create holds; None: there is a history that nobody saw
        self.brought: frozenset[str] | None = None
        self.is_orphan = False  #: the server said that it has no parent, though it was sent one
        self.is_stuck = False  #: different events had the same number: numbers do not count
        self.overhead = -1  #: characters of instructions and tools in its create; -1: nobody knows
        self.most_tokens = -1  #: more tokens than its create can be by itself; -1: nobody knows
        self.settings = 0  #: what its create says beside its input, hashed; 0: nobody knows
        self.expected: int | None = None  #: the next sequence_number
        self.lacking = range(0)  #: the numbers that the newest gap left out
        self.last_number = -1  #: of the newest event that was no plain delta
        self.last_hash = 0  #: of the payload of that event
        self.numbered = 0  #: events with a sequence_number
        self.unnumbered = 0
        self.parts: dict[int, int] = {}  #: output index of each announced message -> its announced parts
        self.broken = -1  #: record that showed events lost, doubled or replayed: texts and items differ by it
        self.muddled = -1  #: record with which another response ran into it: its order means nothing any more
        self.last_at = -1.0
        self.longest_silence = 0.0
        self.terminal = -1  #: record of the terminal event
        self.errored = -1  #: record of an error frame that spoke of it


class Manners:
    """What is remembered of one socket."""

    __slots__ = (
        "failed",
        "made",
        "odd_at",
        "odd_frame",
        "overdue",
        "sent_bytes",
        "sent_frame",
        "unread",
        "unread_at",
    )

    def __init__(self) -> None:
        self.failed: tuple[int, float, int] | None = None  #: record, time and turn of the newest failure
        self.overdue = False  #: a ping waits for its pong
        self.made: dict[str, int] = {}  #: id of a response -> the turn that made it first
        self.sent_frame = -1  #: record of the client's newest message
        self.sent_bytes = 0  #: its size
        self.unread = 0  #: messages of the server that were no event, since the last gap
        self.unread_at = -1.0  #: when the newest of them came
        self.odd_at = -1.0  #: when the client last sent what was no JSON or of no known type
        self.odd_frame = -1  #: the same record, when that was no JSON or of no known type


class Refusal(NamedTuple):
    """An upgrade that came to nothing."""

    at: float
    record: int
    url: str
    is_forbidden: bool


class Memory:
    """What is remembered of all turns and sockets."""

    def __init__(self) -> None:
        self.tracks: dict[int, Track] = {}
        self.sockets: dict[int, Manners] = {}
        self.lost: list[tuple[float, int, int]] = []  #: when, session, record of the newest LOST
        self.opened: dict[tuple[str, str], deque[float]] = {}  #: when each client's newest upgrades worked
        self.refused: dict[str, list[Refusal]] = {}  #: of each client, since an upgrade of it worked
        self.made: dict[tuple[str, str], int] = {}  #: address and id of a response -> its first turn
        self.asked: dict[int, int] = {}  #: what a create asks, hashed -> the turn that asked it last

    def manners(self, session: int) -> Manners:
        """What is remembered of this socket."""
        found = self.sockets.get(session)
        if found is None:
            found = self.sockets[session] = Manners()
        return found

    def track(self, turn: int) -> Track:
        """What is remembered of this turn."""
        found = self.tracks.get(turn)
        if found is None:
            found = self.tracks[turn] = Track()
        return found


def _event(record: Record) -> Event | Undecodable | None:
    """The event of a record that carries one; None for any other."""
    if record.kind in _MESSAGES or (record.kind is Kind.REQUEST and is_create(record)):
        return event_of(record)
    return None


class Seen:
    """One record while it is judged."""

    def __init__(
        self,
        record: Record,
        number: int,
        event: Event | Undecodable | None,
        changes: tuple[Change, ...],
        state: State,
        memory: Memory,
    ) -> None:
        self.record = record
        self.number = number
        self.raw: Event | Undecodable | None = event if event is not None else _event(record)
        self.changes = changes
        self.state = state
        self.memory = memory

    @property
    def session(self) -> Session:
        """The session of the record; the state has taken the record, so there is one."""
        return self.state.sessions[self.record.session]

    @cached_property
    def turn(self) -> Turn | None:
        """The turn that the record belongs to."""
        return self.state.turn(self.state.turn_column[self.number])

    @property
    def track(self) -> Track | None:
        """What is remembered of that turn."""
        return self.memory.track(self.turn.number) if self.turn is not None else None

    @property
    def response(self) -> Response | None:
        """The newest response of that turn."""
        return self.turn.response if self.turn is not None else None

    @cached_property
    def reading(self) -> Reading | None:
        """The event in the contract's words; None when the record is no event of a server."""
        if self.record.direction is not Direction.SERVER or self.raw is None:
            return None
        if isinstance(self.raw, Undecodable):
            if self.record.kind not in (Kind.TEXT, Kind.BINARY):
                return None
            found = unwrap(self.record.payload)
            return Reading(found[0], (found[1],)) if found is not None else None
        return read(self.raw)

    @property
    def event(self) -> Event | None:
        """The server's event in the contract's words."""
        return self.reading.event if self.reading is not None else None

    @property
    def raw_type(self) -> str:
        """The event's type as it was sent."""
        return self.raw.type if isinstance(self.raw, Event) else ""

    @property
    def body(self) -> Mapping[str, Any]:
        """The body of that event; empty when there is none."""
        return self.event.body if self.event is not None else {}

    @property
    def is_frame(self) -> bool:
        """Whether it is a message of a WebSocket."""
        return self.record.kind is Kind.TEXT or self.record.kind is Kind.BINARY

    @property
    def is_streamed(self) -> bool:
        """Whether the server sent it as one of many events: a message, or an event of a stream."""
        return self.record.direction is Direction.SERVER and (self.is_frame or self.record.kind is Kind.SSE)

    def details(self, what: What) -> tuple[str, ...]:
        """The details of the changes of this kind."""
        return tuple(change.detail for change in self.changes if change.what is what)
