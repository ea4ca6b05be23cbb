"""Error frames: which turn an `error` ends, running or waiting, and when it speaks of the connection.

An error names its lane at best, never its response. It ends at most one turn, and the session never. Where
the client has sent what nobody can read, an error may have answered that instead: what comes next tells.
"""

from __future__ import annotations

import re

from sessions import facts
from sessions.changes import What
from sessions.contract import AGE_LIMIT, INVALID_LANE, LANE_PATTERN, PARENT_NOT_FOUND, Status
from sessions.events import Event
from sessions.lifecycle import believe, end, end_turn, evict, move
from sessions.session import Failure, Lane
from sessions.state import Step

_LANE = re.compile(LANE_PATTERN)
#: codes that refuse a request before it runs [WSG], and two of AI Stats
_REQUEST_CODES = frozenset({"response_already_in_flight", "model_mismatch", PARENT_NOT_FOUND})


def errored(step: Step, event: Event) -> None:
    """Take an `error` frame of any shape."""
    session = step.session
    failure = facts.failure(event.body)
    session.errors += 1
    facts.keep_limits(session.limits, facts.limit_headers(failure.headers))
    lane = _lane(step, event, failure)
    if lane is None:
        session.failure = failure
    response = lane.open if lane is not None else None
    if lane is not None and response is not None and not (lane.waiting and _is_refusal(failure)):
        step.turn = response.turn
        response.failure = failure
        move(step, response, "error")
        end(step, lane, response, Status.ERRORED)
    elif lane is not None and lane.waiting:
        # a running response has passed its checks: a refused request is one that waits
        turn = lane.waiting.popleft()
        if response is None:
            lane.settled = turn
        end_turn(step, turn, Status.ERRORED, failure)
        evict(step, lane, turn)
        response = None
        if session.unread:
            session.unread -= 1
            lane.doubtful, lane.doubted = turn, step.record
    elif not _is_second_answer(step, event, failure):
        session.unread = max(0, session.unread - 1)
    step.emit(What.ERROR, failure.code or failure.message, response)


def _is_second_answer(step: Step, event: Event, failure: Failure) -> bool:
    """Whether it is a turn's own answer after all: the one before it was for a message nobody could read."""
    session = step.session
    lane = session.lanes.get(event.stream_id)
    turn = lane.doubtful if lane is not None else None
    if lane is None or turn is None or failure.code == AGE_LIMIT:
        return False
    believe(session, lane, turn)
    end_turn(step, turn, Status.ERRORED, failure)
    evict(step, lane, turn)
    if session.unread:
        session.unread -= 1
        lane.doubtful, lane.doubted = turn, step.record
    return True


def _is_refusal(failure: Failure) -> bool:
    return (
        failure.status == 400 or failure.type.startswith("invalid_request") or failure.code in _REQUEST_CODES
    )


def _lane(step: Step, event: Event, failure: Failure) -> Lane | None:
    """The lane on which something ends; None when the error speaks of the connection or of nobody."""
    if failure.code == AGE_LIMIT:
        return None  # what runs is cut when the socket ends
    lanes = step.session.lanes
    if event.stream_id is not None:
        return _if_busy(lanes.get(event.stream_id))
    busy = step.session.busy
    if failure.code == INVALID_LANE:  # nothing valid to echo [WSG]
        return next((lane for lane in busy if lane.id is not None and not _LANE.fullmatch(lane.id)), None)
    if default := _if_busy(lanes.get(None)):
        return default
    if len(busy) == 1:
        step.irregular("the error does not name its lane")
        return busy[0]
    return None


def _if_busy(lane: Lane | None) -> Lane | None:
    return lane if lane is not None and (lane.open is not None or lane.waiting) else None
