"""The socket's part of the state: opened, refused, closing, closed, lost, and how quick its pongs are.

Reads the records that no peer's JSON made: OPEN, REFUSED, CLOSE, LOST, NOTE, PONG. A value of the wrong
kind in such a record counts as absent, because a recording may come from anywhere.
"""

from __future__ import annotations

from sessions import facts
from sessions.changes import What
from sessions.contract import POLICY_SECONDS, FailureClass, Status
from sessions.lifecycle import end, end_turn
from sessions.records import Direction, Record
from sessions.session import Failure, Phase, Session
from sessions.state import Step

_FAILURES = {one.value: one for one in FailureClass}
_NO_STATUS = 1005  # what a close frame without a code means [RFC]
_LOST = 1006


def opened(step: Step, record: Record) -> None:
    """Take an OPEN record: the handshake's facts, and the start of the countdown."""
    session, meta = step.session, record.meta
    if session.phase is not Phase.OPENING:
        step.irregular(f"opened while {session.phase}")
    if session.phase.is_over:
        return
    session.phase = Phase.OPEN
    session.opened = step.at
    describe(step, record)
    session.compression = facts.word(meta.get("compression"))
    session.status = facts.number(meta.get("status")) or 101
    session.lifetime = facts.quantity(meta.get("lifetime")) or session.lifetime
    facts.keep_limits(session.limits, facts.limit_headers(facts.head_headers(record.payload)))
    step.emit(What.SESSION, "opened")


def refused(step: Step, record: Record) -> None:
    """Take a REFUSED record: the opening failed and the session is over."""
    session, meta = step.session, record.meta
    session.phase = Phase.REFUSED
    session.ended = step.at
    session.end_record = step.record
    describe(step, record)
    session.status = facts.number(meta.get("status")) or 0
    session.failure_class = failure_class_of(record)
    if session.failure_class is not FailureClass.CLOSED and facts.ender(meta) == "tap":
        session.closed_by = "tap"
    if session.is_http:
        _fail(step, Failure(session.failure_class.value, facts.word(meta.get("detail"))))
    _cut(step)
    step.emit(What.SESSION, "refused")


def failure_class_of(record: Record) -> FailureClass:
    """The class that a REFUSED record names; a word that nobody knows counts as a broken protocol."""
    return _FAILURES.get(facts.word(record.meta.get("failure_class")), FailureClass.PROTOCOL)


def closed(step: Step, record: Record) -> None:
    """Take a CLOSE record; the session is over when the server closes, or answers our close."""
    session, meta = step.session, record.meta
    if not session.close_code:
        payload = record.payload
        in_frame = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else _NO_STATUS
        session.close_code = facts.number(meta.get("code")) or in_frame
        session.close_reason = facts.word(meta.get("reason")) or payload[2:].decode(errors="replace")
        session.closed_by = record.direction.value
    if record.direction is Direction.CLIENT and session.phase in (Phase.OPENING, Phase.OPEN):
        session.phase = Phase.CLOSING
        step.emit(What.SESSION, "closing")
        return
    if session.phase.is_over:
        step.emit(What.OTHER)
        return
    if _is_policy(session, step.at):
        session.failure_class = FailureClass.POLICY_CLOSE
    finish(step, Phase.CLOSED)


def _is_policy(session: Session, at: float) -> bool:
    """Whether the server accepted the upgrade only to close it with 1008 before it said anything."""
    is_theirs = session.close_code == 1008 and session.closed_by == Direction.SERVER
    return is_theirs and not session.frames_in and at - session.opened <= POLICY_SECONDS


def lost(step: Step, record: Record) -> None:
    """Take a LOST record: the connection ended without a close frame, or without the answer to ours."""
    session, meta = step.session, record.meta
    if session.phase.is_over:
        step.emit(What.OTHER)
        return
    if not session.close_code:
        session.close_code = 0 if session.is_http else facts.number(meta.get("code")) or _LOST
        session.close_reason = facts.word(meta.get("detail"))
    finish(step, Phase.CLOSED if session.phase is Phase.CLOSING else Phase.LOST)


def answered_ping(step: Step, record: Record) -> None:
    """Take a pong, or the note that one came and how long it took."""
    step.session.last_pong = step.at
    if (latency := facts.quantity(record.meta.get("ms"))) is not None:
        step.session.latency_ms = latency
    step.emit(What.LATENCY)


def describe(step: Step, record: Record) -> None:
    """Take what the first record of a session says about where it leads and who speaks on it."""
    session, meta = step.session, record.meta
    session.handshake = step.record
    session.url = facts.word(meta.get("url")) or session.url
    session.route = facts.word(meta.get("route")) or session.route
    session.profile = facts.word(meta.get("profile")) or session.profile
    session.name = facts.word(meta.get("name")) or session.name
    session.client = facts.word(meta.get("client")) or session.client
    session.peer = facts.word(meta.get("peer")) or session.peer
    session.pair = facts.word(meta.get("pair")) or session.pair
    session.thread = facts.word(meta.get("thread")) or session.thread
    session.method = facts.word(meta.get("method")) or session.method
    session.target = facts.word(meta.get("target")) or session.target


def finish(step: Step, phase: Phase) -> None:
    """End the session in this phase, and whatever ran or waited on it."""
    session = step.session
    session.phase = phase
    session.ended = step.at
    session.end_record = step.record
    _cut(step)
    step.emit(What.SESSION, phase.value)


def _fail(step: Step, failure: Failure) -> None:
    """Whatever waited was answered by whoever could not reach the server."""
    for lane in step.session.lanes.values():
        while lane.waiting:
            end_turn(step, lane.waiting.popleft(), Status.ERRORED, failure)


def _cut(step: Step) -> None:
    """Whatever ran or waited on this socket is over."""
    for lane in step.session.lanes.values():
        if lane.open is not None:
            end(step, lane, lane.open, Status.CUT)
        while lane.waiting:
            end_turn(step, lane.waiting.popleft(), Status.CUT)
    step.turn = 0
