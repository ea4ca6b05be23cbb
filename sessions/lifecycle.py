"""The life of a response: it begins on a lane, moves by the table of legal moves, and ends once.

A move that the table does not know is irregular and still does what the event means. Also here: whose
response a lifecycle event speaks of when ids repeat, change or are missing, and what a late
`response.failed` belongs to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sessions import facts
from sessions.changes import What
from sessions.contract import LIFECYCLE, MEANING, MOVES, PARENT_NOT_FOUND, Status
from sessions.dialects import response_of
from sessions.events import Event
from sessions.outputs import take_final
from sessions.session import Failure, Lane, Response, Session, Turn
from sessions.state import Step
from sessions.steering import successor


def lifecycle(step: Step, event: Event) -> None:
    """Take a lifecycle or terminal event."""
    body = response_of(event)
    lane = step.lane_of(event)
    known = step.session.responses.get(event.response_id) if event.response_id else None
    if event.type == "response.created":
        response = _created(step, lane, event, body)
    elif lane.open is None:
        late = _late(step, lane, event, known)
        if late is not None:
            _take_late(step, late, event, body)
            return
        response = begin(step, lane, event.response_id or "", body)
        step.irregular("no response.created before it", response)
        response.status = Status.IN_PROGRESS
    elif known is not None and known is not lane.open:
        if known.status.is_over:
            _take_late(step, known, event, body)
            return
        response = known
        step.turn = response.turn
        step.irregular("it came on another lane", response)
    else:
        response = lane.open
        step.turn = response.turn
        _identify(step, response, event)
    if response is None:
        return
    step.describe(response, body)
    response.sequence_number = event.sequence_number
    move(step, response, event.type)
    if event.type in LIFECYCLE:
        step.state.turns[response.turn - 1].status = response.status
        step.emit(What.RESPONSE, response.status.value, response)
    else:
        _finish(step, response, event, body)


def begin(step: Step, lane: Lane, response_id: str, body: Mapping[str, Any]) -> Response:
    """A new open response on a lane: of the turn that waits there, of a steer, or of nobody."""
    lane = step.session.lanes.setdefault(lane.id, lane)
    parent = facts.word(body.get("previous_response_id"))
    turn = successor(step, lane, parent)
    if turn is None and lane.waiting:
        turn = lane.waiting.popleft()
    if turn is None and lane.doubtful is not None:
        turn = lane.doubtful
        believe(step.session, lane, turn)
    if turn is None:
        turn = step.begin_turn(lane, -1)
        turn.is_forced = True
        if parent:
            step.link(turn, parent)
    lane.doubtful = None
    response = _add_response(step, lane, turn, response_id)
    turn.status = Status.IN_PROGRESS
    lane.open = response
    if turn.is_forced:
        step.irregular("nobody asked for this response", response)
    return response


def move(step: Step, response: Response, trigger: str) -> None:
    """Move a response by an event's type, or by `CONTENT`; a move outside the table is irregular."""
    status = MOVES.get((response.status, trigger))
    if status is None:
        step.irregular(f"{trigger} while {response.status}", response)
        status = response.status if response.status.is_over else MEANING[trigger]
    response.status = status
    response.last = step.record


def end(step: Step, lane: Lane, response: Response, status: Status) -> None:
    """End the open response of a lane, and its turn."""
    response.status = status
    response.ended = step.at
    turn = step.state.turns[response.turn - 1]
    lane.open = None
    lane.settled = turn
    if status in (Status.COMPLETED, Status.INCOMPLETE):
        lane.head = response
    end_turn(step, turn, status, response.failure)
    evict(step, lane, turn)


def end_turn(step: Step, turn: Turn, status: Status, failure: Failure | None = None) -> None:
    """End a turn, whether a response came or not."""
    step.turn = turn.number
    turn.status = status
    turn.ended = step.at
    turn.failure = failure or turn.failure
    step.emit(What.RESPONSE if turn.responses else What.TURN, status.value, turn.response)


def evict(step: Step, lane: Lane, turn: Turn) -> None:
    """Note that a failed continuation on its parent's own lane took the parent out of the memory [WSG]."""
    session = step.session
    if turn.status not in (Status.FAILED, Status.ERRORED) or not turn.parent:
        return
    if turn.failure is not None and turn.failure.code == PARENT_NOT_FOUND:
        session.not_found.setdefault(turn.parent, step.record)
    parent = session.responses.get(turn.parent)
    if parent is not None and parent.lane == lane.id and turn.parent not in session.evicted:
        session.evicted[turn.parent] = step.record
        step.emit(What.EVICTED, turn.parent, parent)


def believe(session: Session, lane: Lane, turn: Turn) -> None:
    """Take back that an error ended this turn: it has answered something else."""
    for noted in (session.evicted, session.not_found):
        if turn.parent and noted.get(turn.parent) == lane.doubted:
            del noted[turn.parent]
    lane.doubtful, lane.settled = None, None
    turn.failure, turn.ended = None, -1.0


def _add_response(step: Step, lane: Lane, turn: Turn, response_id: str) -> Response:
    step.turn = turn.number
    response = Response(response_id, step.session.number, lane.id, turn.number, step.record, step.at)
    turn.responses.append(response)
    step.name(response, response_id)
    return response


def _created(step: Step, lane: Lane, event: Event, body: Mapping[str, Any]) -> Response | None:
    """The response that a `response.created` begins; None when there is nothing left to do with it."""
    response_id = event.response_id or ""
    old = lane.open
    if old is None:
        return begin(step, lane, response_id, body)
    step.turn = old.turn
    if old.id == response_id and (response_id or not lane.waiting):
        step.irregular("response.created came twice", old)
        return None
    if not old.id and step.state.type_at(old.first) != "response.created":
        step.irregular("response.created came late", old)
        _identify(step, old, event)
        step.describe(old, body)
        return None
    step.irregular("a response began before the one on its lane had ended", old)
    if lane.waiting:
        end(step, lane, old, Status.CUT)
        return begin(step, lane, response_id, body)
    old.status, old.ended = Status.CUT, step.at
    response = _add_response(step, lane, step.state.turns[old.turn - 1], response_id)
    lane.open = response
    return response


def _identify(step: Step, response: Response, event: Event) -> None:
    """Let the ids of a response be what its events say; the terminal one's is the one to continue."""
    response_id = event.response_id
    if not response_id or response.id == response_id:
        return
    if response.id:
        step.irregular("the response's id changed", response)
    step.name(response, response_id)
    if not response.id or event.type not in LIFECYCLE:
        response.id = response_id


def _late(step: Step, lane: Lane, event: Event, known: Response | None) -> Response | None:
    """The response that had ended before this event spoke of it; None when the event begins another."""
    is_failure = event.type == "response.failed"
    if known is not None and known.status.is_over:
        if not lane.waiting or (is_failure and known.status is Status.ERRORED) or _goes_on(known, event):
            return known
        return None  # ids repeat: this one answers what waits
    turn = lane.settled
    if not is_failure or turn is None or turn.status is not Status.ERRORED:
        return None
    if turn.response is not None:
        return turn.response if not event.response_id else None
    response = _add_response(step, lane, turn, event.response_id or "")
    response.status = Status.ERRORED
    response.failure = turn.failure
    return response


def _goes_on(known: Response, event: Event) -> bool:
    """Whether an event goes on with the numbers of a response that ended: another one begins at 0."""
    last, number = known.sequence_number, event.sequence_number
    return last is not None and number is not None and number >= last > 0


def _take_late(step: Step, response: Response, event: Event, body: Mapping[str, Any]) -> None:
    step.turn = response.turn
    status = MOVES.get((response.status, event.type))
    response.last = step.record
    if status is None:
        step.irregular(f"{event.type} after the response had ended", response)
        return
    response.status = status
    turn = step.state.turns[response.turn - 1]
    if turn.response is response:
        turn.status = status
    step.describe(response, body)
    response.usage = facts.usage(body.get("usage")) or response.usage
    error = body.get("error")
    if isinstance(error, dict) and response.failure is None:
        response.failure = turn.failure = facts.failure({"error": error})
    step.emit(What.RESPONSE, "late " + status.value, response)


def _finish(step: Step, response: Response, event: Event, body: Mapping[str, Any]) -> None:
    response.usage = facts.usage(body.get("usage")) or response.usage
    details = body.get("incomplete_details")
    if isinstance(details, dict):
        response.incomplete_reason = facts.word(details.get("reason"))
    error = body.get("error")
    if isinstance(error, dict):
        response.failure = facts.failure({"error": error})
    if not event.is_partial:  # a part of the output must not pass for all of it
        take_final(step, response, body.get("output"))
    end(step, step.session.lane(response.lane), response, response.status)
