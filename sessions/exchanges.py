"""The part of an HTTP exchange in the state: asked, answered, ended; a POST to /responses is a turn.

Its one rule: an exchange becomes the same turns, responses and failures as a socket does, so that nobody who
reads the state asks which of the two it was. What is not a create is a session without turns.
"""

from __future__ import annotations

from sessions import facts
from sessions.bodies import event_of, is_create, parts, text_of
from sessions.changes import What
from sessions.connection import describe, finish
from sessions.contract import Family, family
from sessions.error_frames import errored
from sessions.events import Event, Undecodable
from sessions.lifecycle import lifecycle
from sessions.records import Record
from sessions.requests import sent
from sessions.session import Phase
from sessions.state import Step

STREAM = "text/event-stream"
_REASON_CHARACTERS = 500


def asked(step: Step, record: Record) -> None:
    """Take a REQUEST: the session begins, and a turn with it when the request is a create."""
    session = step.session
    session.is_http = True
    session.bytes_out += step.size
    session.wire_out += step.size
    session.frames_out += 1
    if session.opened < 0:
        session.opened = step.at
    if not session.phase.is_over:
        session.phase = Phase.OPEN
    describe(step, record)
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
    session.last_frame = step.at
    session.status = facts.number(record.meta.get("status")) or 0
    session.media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    facts.keep_limits(session.limits, facts.limit_headers(headers))
    if session.status >= 300:
        errored(step, _failure(record, session.status))
    elif body and session.waiting and session.media_type != STREAM:
        _take_whole(step, record)
    else:
        turn = session.turns[-1] if session.turns else None
        step.turn = turn.number if turn is not None else 0
        step.emit(What.SESSION, "answered")


def ended(step: Step, record: Record) -> None:
    """Take the note that the exchange came to its end."""
    session = step.session
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
    return Event("error", body)
