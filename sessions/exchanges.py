"""The part of HTTP in the state: begun, asked, answered, ended; a POST to /responses is a turn.

Its one rule: an exchange becomes the same turns, responses and failures as a socket does, so that nobody who
reads the state asks which of the two it was. What is not a create is a session without turns.
A tapped exchange is a session of its own. Ours are many on one session, which begins with an OPEN whose meta
says `transport` http; their records carry `exchange`, and `lane` where it is not the default one.
"""

from __future__ import annotations

from sessions import facts
from sessions.bodies import event_of, is_create, parts, text_of
from sessions.changes import What
from sessions.connection import describe, failure_class_of, finish
from sessions.contract import Family, Status, family
from sessions.error_frames import errored
from sessions.events import Event, Undecodable
from sessions.lifecycle import end, end_turn, lifecycle
from sessions.records import Record
from sessions.requests import sent
from sessions.session import Failure, Phase, Session, Turn
from sessions.state import Step

STREAM = "text/event-stream"
#: what the bridge is called as the client of its own POSTs
BRIDGE = "turnscope-bridge"
_REASON_CHARACTERS = 500


def is_way(record: Record) -> bool:
    """Whether an OPEN begins a session over HTTP, where nothing is opened yet."""
    return record.meta.get("transport") == "http"


def is_one_of_many(record: Record) -> bool:
    """Whether a record ends one exchange only, and not its session."""
    return "exchange" in record.meta


def begun(step: Step, record: Record) -> None:
    """Take the OPEN of a session over HTTP; a socket that was tried before it may have been refused."""
    session = step.session
    # a socket whose peer broke the protocol is left at our own close frame
    is_at_end = session.phase.is_over or session.phase is Phase.CLOSING
    is_after_socket = is_at_end and not session.is_http
    if session.phase is not Phase.OPENING and not is_after_socket:
        step.irregular(f"opened while {session.phase}")
        return
    session.is_http = session.spans_requests = True
    session.phase = Phase.OPEN
    session.opened = step.at
    session.ended = -1.0
    session.end_record = -1
    session.status = session.close_code = 0
    session.close_reason = session.closed_by = session.compression = ""
    session.fallback = facts.word(record.meta.get("said"))
    session.fallback_ms = facts.quantity(record.meta.get("cost_ms")) or 0.0
    describe(step, record)
    step.emit(What.SESSION, "opened")


def unreached(step: Step, record: Record) -> None:
    """Take a REFUSED of one exchange: the server was not reached, so nothing was asked of it."""
    session = step.session
    session.failure_class = failure_class_of(record)
    step.emit(What.SESSION, "unreached")


def broke(step: Step, record: Record) -> None:
    """Take a LOST of one exchange: its turn is cut, the session goes on."""
    _end_exchange(step, record, Failure("", facts.word(record.meta.get("detail"))))


def _end_exchange(step: Step, record: Record, failure: Failure | None = None) -> None:
    """What still runs or waits on the lane of an exchange is over with it."""
    lane = step.session.lanes.get(_lane_of(record))
    if lane is not None and lane.open is not None:
        failure = failure or Failure("", "the stream ended without the end of the response")
        lane.open.failure = failure
        end(step, lane, lane.open, Status.CUT)
    elif lane is not None:
        failure = failure or Failure("", _strange(step.session))
        while lane.waiting:
            end_turn(step, lane.waiting.popleft(), Status.CUT, failure)
        step.turn = lane.settled.number if lane.settled is not None else 0
    step.emit(What.SESSION, "ended")


def _strange(session: Session) -> str:
    """What an exchange held that ended well and began no response."""
    if session.media_type == STREAM:
        return "the stream ended without any event of a response"
    kind = f"with {session.media_type}" if session.media_type else "without a content type"
    return f"{session.status} {kind}: neither an event stream nor a response"


def _lane_of(record: Record) -> str | None:
    lane = record.meta.get("lane")
    return lane if isinstance(lane, str) else None


def asked(step: Step, record: Record) -> None:
    """Take a REQUEST: the session begins, and a turn with it when the request is a create."""
    session = step.session
    session.is_http = True
    opening = session.handshake
    session.bytes_out += step.size
    session.wire_out += step.size
    session.frames_out += 1
    if session.opened < 0:
        session.opened = step.at
    if not session.phase.is_over:
        session.phase = Phase.OPEN
    describe(step, record)
    if session.spans_requests:
        session.handshake = opening
    step.emit(What.SESSION, "asked")
    if is_create(record):
        event = event_of(record)
        if isinstance(event, Undecodable):
            session.undecodable += 1
            step.emit(What.UNDECODABLE, event.reason)
            event = Event("response.create", {})  # something was asked, whatever it was
        sent(step, record, event)


def answered(step: Step, record: Record) -> None:
    """Take a RESPONSE: its status, and what its body says unless it is a stream."""
    session = step.session
    head, body = parts(record)
    headers = facts.head_headers(head)
    session.is_http = True
    session.bytes_in += step.size
    session.wire_in += step.size
    session.head_in = len(head)
    session.head_ms = facts.quantity(record.meta.get("ms"))
    session.last_frame = step.at
    session.status = facts.number(record.meta.get("status")) or 0
    session.media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    facts.keep_limits(session.limits, facts.limit_headers(headers))
    if session.status >= 300:
        errored(step, _failure(record, session.status))
    elif body and session.waiting and session.media_type != STREAM:
        _take_whole(step, record)
    else:
        turn = _asking(session, record)
        step.turn = turn.number if turn is not None else 0
        step.emit(What.SESSION, "answered")


def _asking(session: Session, record: Record) -> Turn | None:
    """The turn whose request an answer belongs to."""
    lane = session.lanes.get(_lane_of(record))
    if lane is not None and lane.waiting:
        return lane.waiting[0]
    return session.turns[-1] if session.turns else None


def ended(step: Step, record: Record) -> None:
    """Take the note that an exchange came to its end, or the session of all of them."""
    session = step.session
    if is_one_of_many(record) and session.spans_requests:
        _end_exchange(step, record)
        return
    if (size := facts.number(record.meta.get("bytes"))) is not None:
        session.wire_in = session.head_in + size
    if session.phase.is_over:
        step.emit(What.OTHER)
    else:
        finish(step, Phase.CLOSED)


def _take_whole(step: Step, record: Record) -> None:
    """A response that came in one piece: as if it had been created and then ended at once."""
    event = event_of(record)
    if isinstance(event, Undecodable):
        step.session.undecodable += 1
        step.emit(What.UNDECODABLE, event.reason)
    elif family(event.type) in (Family.LIFECYCLE, Family.TERMINAL):
        lifecycle(step, event._replace(type="response.created"))
        lifecycle(step, event)
    elif "error" in event.body:
        errored(step, event)
    else:
        step.emit(What.UNKNOWN, event.type)


def _failure(record: Record, status: int) -> Event:
    """What an answer that is no success says, as an error frame would say it."""
    event = event_of(record)
    if isinstance(event, Event) and not event.type.startswith("response."):
        body = dict(event.body)
    else:
        line = parts(record).head.partition(b"\r\n")[0].decode("latin-1")
        reason = line.partition(" ")[2]
        said = text_of(record)[: _REASON_CHARACTERS * 4].decode(errors="replace").strip()
        body = {"error": {"message": said[:_REASON_CHARACTERS] or reason}}
    if facts.number(body.get("status")) is None:
        body["status"] = status
    return Event("error", body, stream_id=_lane_of(record))
