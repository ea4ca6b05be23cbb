"""The reducer: one record in, what it changed out; the only writer of session state, appending as it goes.

`fold(a + b)` equals `fold(a)` and then `apply` over `b`. It never raises on what a peer sent: a move that the
table does not know is a change called irregular, and the state follows what the event means. Its parts:
`connection` the socket, `exchanges` HTTP, `requests` the client, `lifecycle`, `content`, `error_frames` and
`steering` the server.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sessions import facts
from sessions.bodies import event_of, text_of
from sessions.changes import Change, What
from sessions.connection import answered_ping, closed, lost, opened, refused
from sessions.content import content
from sessions.contract import DELTAS, Family, Status, family
from sessions.dialects import DONE_MARKER, read, unwrap
from sessions.error_frames import errored
from sessions.events import Event, Undecodable, decode
from sessions.exchanges import answered, asked, begun, broke, ended, is_one_of_many, is_way, unreached
from sessions.lifecycle import lifecycle
from sessions.records import Direction, Kind, Meta, Record
from sessions.requests import sent
from sessions.session import Session
from sessions.snapshot import snapshot
from sessions.state import MAX_TYPE_CHARACTERS, State, Step
from sessions.steering import steered

__all__ = ["Change", "Sessions", "What", "fold"]

_MAX_UNKNOWN = 1_000  # distinct unknown types counted per session
#: deltas that are appended without looking; an `added` may bring text that is there already
_PLAIN_DELTAS = {name: fragment for name, fragment in DELTAS.items() if name.endswith(".delta")}
_new = tuple.__new__  # what a NamedTuple does when it is called, without a Python frame
_TEXT, _SSE, _SERVER = Kind.TEXT, Kind.SSE, Direction.SERVER
_RUNNING, _APPENDED = Status.IN_PROGRESS, What.TEXT


class Sessions(State):
    """What all records so far add up to, and the way to add one more."""

    def apply(self, record: Record, event: Event | Undecodable | None = None) -> tuple[Change, ...]:
        """Take one record; `event` is its decoded payload where the caller has it. Never raises."""
        number = self.records
        self.records = number + 1
        session_number, direction, kind, _, at, payload, meta = record
        session = self.sessions.get(session_number)
        if session is None:
            session = self.sessions[session_number] = Session(session_number)
        size = len(payload)
        if (kind is _TEXT and direction is _SERVER) or kind is _SSE:
            session.bytes_in += size
            session.wire_in += _wire(meta, size) if meta else size
            session.frames_in += 1
            session.last_frame = at
            if size > session.largest:
                session.largest = size
            if event is None:
                event = decode(payload) if kind is _TEXT else event_of(record)
            if type(event) is Event and (change := self._append(session, event, number, at)) is not None:
                return (change,)
        step = Step(self, session, number, at, size)
        label = _take(step, record, event)
        self.type_column.append(self.type_id(label))
        self.turn_column.append(step.turn)
        return tuple(step.changes)

    def _append(self, session: Session, event: Event, number: int, at: float) -> Change | None:
        """The hot path: a string delta for an open part of a running response; None for anything else."""
        event_type, body, sequence_number, lane_id, _, item_id, _ = event
        fragment = _PLAIN_DELTAS.get(event_type)
        lane = session.lanes.get(lane_id)
        if fragment is None or lane is None:
            return None
        response = lane.open
        if response is None or response.status is not _RUNNING:
            return None
        item = response.by_id.get(item_id)
        slot, index_field, field = fragment
        piece = body.get(field)
        index = body.get(index_field, 0) if index_field else 0
        if item is None or type(piece) is not str or type(index) is not int:
            return None
        part = item.parts.get((slot, index))
        if part is None or part.is_done:
            return None
        part.text.append(piece, number)
        response.deltas += 1
        response.last = number
        response.last_token = at
        if response.first_token < 0:
            response.first_token = at
        if response.first_text < 0 and slot == "output_text":
            response.first_text = at
        response.sequence_number = sequence_number
        turn = response.turn
        self.type_column.append(self._type_ids.get(event_type) or self.type_id(event_type))
        self.turn_column.append(turn)
        return _new(Change, (_APPENDED, number, session.number, turn, response.id, item.id, ""))

    def snapshot(self) -> dict[str, Any]:
        """All of it as plain data, for tests and for machine-readable faces."""
        return snapshot(self)


def fold(records: Iterable[Record]) -> Sessions:
    """The state that these records add up to."""
    sessions = Sessions()
    for record in records:
        sessions.apply(record)
    return sessions


def _take(step: Step, record: Record, event: Event | Undecodable | None) -> str:
    """Take any record; returns its label for the type column."""
    session = step.session
    match record.kind:
        case Kind.TEXT if record.direction is Direction.SERVER:
            return _received(step, record.payload, decode(record.payload) if event is None else event)
        case Kind.BINARY if record.direction is Direction.SERVER:
            session.bytes_in += step.size
            session.wire_in += _wire(record.meta, step.size)
            session.frames_in += 1
            session.last_frame = step.at
            session.largest = max(session.largest, step.size)
            step.spell(("binary frame",))
            return _received(step, record.payload, decode(record.payload) if event is None else event)
        case Kind.TEXT | Kind.BINARY if record.direction is Direction.CLIENT:
            session.bytes_out += step.size
            session.wire_out += _wire(record.meta, step.size)
            session.frames_out += 1
            return sent(step, record, decode(record.payload) if event is None else event)
        case Kind.SSE:
            return _streamed(step, record, event_of(record) if event is None else event)
        case Kind.REQUEST:
            asked(step, record)
        case Kind.RESPONSE:
            answered(step, record)
        case Kind.NOTE if record.meta.get("note") == "end":
            ended(step, record)
        case Kind.OPEN if is_way(record):
            begun(step, record)
        case Kind.OPEN:
            opened(step, record)
        case Kind.REFUSED if is_one_of_many(record) and session.spans_requests:
            unreached(step, record)
        case Kind.REFUSED:
            refused(step, record)
        case Kind.CLOSE:
            closed(step, record)
        case Kind.LOST if is_one_of_many(record) and session.spans_requests:
            broke(step, record)
        case Kind.LOST:
            lost(step, record)
        case Kind.NOTE if record.meta.get("note") == "latency":
            answered_ping(step, record)
        case Kind.PONG if record.direction is Direction.SERVER:
            answered_ping(step, record)
        case _:
            step.emit(What.OTHER)
    return record.kind.value


def _wire(meta: Meta, size: int) -> int:
    wire = meta.get("wire")
    return wire if type(wire) is int else size


def _streamed(step: Step, record: Record, event: Event | Undecodable) -> str:
    """An event of a stream; comments, the end marker and what the end of the stream cut are none."""
    if isinstance(event, Event):
        return _received(step, record.payload, event)
    data = text_of(record).strip()
    response = step.running(Event("", {}))
    if not data or data == b"[DONE]" or "cut" in record.meta:
        step.emit(What.OTHER, response=response)
        return DONE_MARKER if data == b"[DONE]" else Kind.SSE.value
    step.session.undecodable += 1
    step.emit(What.UNDECODABLE, event.reason, response)
    return Kind.SSE.value


def _received(step: Step, payload: bytes, event: Event | Undecodable) -> str:
    session = step.session
    if isinstance(event, Undecodable):
        unwrapped = unwrap(payload)
        if unwrapped is None:
            session.undecodable += 1
            step.emit(What.UNDECODABLE, event.reason)
            return Kind.TEXT.value
        event, spelling = unwrapped
        step.spell((spelling,))
        if spelling == DONE_MARKER:
            return DONE_MARKER
    label = event.type
    event, spellings = read(event)
    match family(event.type):
        case Family.LIFECYCLE | Family.TERMINAL:
            lifecycle(step, event)
        case Family.ERROR:
            errored(step, event)
        case Family.STEER:
            steered(step, event)
        case Family.LIMITS:
            facts.keep_limits(session.limits, facts.rate_limits(event.body))
            step.emit(What.LIMITS)
        case Family.VENDOR | Family.INJECT:
            step.emit(What.OTHER, event.type, step.running(event))
        case Family.UNKNOWN | Family.CLIENT:
            name = event.type[:MAX_TYPE_CHARACTERS]
            if name in session.unknown_types or len(session.unknown_types) < _MAX_UNKNOWN:
                session.unknown_types[name] = session.unknown_types.get(name, 0) + 1
            step.emit(What.UNKNOWN, event.type, step.running(event))
        case kind:
            content(step, event, kind)
    step.spell(spellings)
    return label or event.type
