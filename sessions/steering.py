"""Steering: what became of each `response.steer`, and whose successor a response is that nobody asked for.

A steer is sent, accepted, pending or failed, and applied once the response that carries it on has begun;
every ending of the steering guide is read from the server's events alone.
"""

from __future__ import annotations

from sessions import facts
from sessions.changes import What
from sessions.events import Event
from sessions.session import Lane, Steer, Turn
from sessions.state import Step

MAX_STEERS = 256  # remembered per turn; the real limit is a handful
_OWNED = ("accepted", "pending")  # states in which the server holds the input


def steered(step: Step, event: Event) -> None:
    """Take a `response.steer.*` event of the server."""
    steer = event.body.get("steer")
    steer = steer if isinstance(steer, dict) else {}
    target = facts.word(steer.get("previous_response_id"))
    response = step.session.responses.get(target) or step.running(event)
    turn = step.state.turn(response.turn) if response else None
    state = event.type.rsplit(".", 1)[1]
    reason = facts.word(event.body.get("reason"))
    error = event.body.get("error")
    if isinstance(error, dict):
        reason = facts.word(error.get("code")) or facts.word(error.get("message"))
    if turn is not None:
        step.turn = turn.number
        steer_id = facts.word(steer.get("id"))
        at = _index(turn, steer_id)
        if at is not None:
            old = turn.steers[at]
            turn.steers[at] = old._replace(state=state, id=steer_id or old.id, reason=reason)
        elif len(turn.steers) < MAX_STEERS:
            text = facts.plain_input(steer.get("input"))
            turn.steers.append(Steer(step.record, target, text, state, steer_id, reason))
    step.emit(What.STEER, state, response)


def successor(step: Step, lane: Lane, parent: str) -> Turn | None:
    """The turn of a response that a steer started; None when it answers a create, or nobody steered.

    `parent` is what the new response says it continues.
    """
    steered_turn = lane.settled
    if steered_turn is None or not _expects_successor(steered_turn):
        return None
    asked = lane.waiting[0] if lane.waiting else None
    if asked is None or (parent == steered_turn.response_id and asked.parent != parent):
        turn = step.begin_turn(lane, -1)
        turn.is_steered = True
        turn.parent, turn.parent_turn = steered_turn.response_id, steered_turn.number
        turn.model, turn.store = steered_turn.model, steered_turn.store
        _apply(steered_turn)
        return turn
    if asked.parent == steered_turn.response_id:
        _apply(steered_turn)  # the server puts the steer before what the create brings
    return None


def _expects_successor(turn: Turn) -> bool:
    if any(steer.state in _OWNED for steer in turn.steers):
        return True
    response = turn.response
    if response is None or response.incomplete_reason != "steered":
        return False
    return not any(steer.state == "applied" for steer in turn.steers)


def _apply(turn: Turn) -> None:
    turn.steers[:] = [
        steer._replace(state="applied") if steer.state in _OWNED else steer for steer in turn.steers
    ]


def _index(turn: Turn, steer_id: str) -> int | None:
    for index, steer in enumerate(turn.steers):
        if steer_id and steer.id == steer_id:
            return index
    for index, steer in enumerate(turn.steers):
        if steer.state == "sent":
            return index
    return None
