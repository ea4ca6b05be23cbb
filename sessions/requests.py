"""What the client sent: a create begins a turn and waits on its lane; a steer waits for its answer.

Reads a client's frames as they were, flat or nested; what a frame fails to say counts as absent, never as
an error.
"""

from __future__ import annotations

from sessions import facts
from sessions.changes import What
from sessions.contract import Family, family
from sessions.dialects import create_fields
from sessions.events import Event, Undecodable
from sessions.items import Item
from sessions.records import Record
from sessions.resent import resent_turn
from sessions.session import Steer, Turn
from sessions.state import Step
from sessions.steering import MAX_STEERS


def sent(step: Step, record: Record, event: Event | Undecodable) -> str:
    """Take one message of the client; returns its label for the type column."""
    if isinstance(event, Undecodable):
        step.session.undecodable += 1
        step.session.unread += 1
        step.emit(What.UNDECODABLE, event.reason)
        return record.kind.value
    match event.type:
        case "response.create":
            _create(step, event)
        case "response.steer":
            _steer(step, event)
        case _ if family(event.type) is Family.CLIENT:
            response = step.session.responses.get(event.response_id or "")
            step.turn = response.turn if response else 0
            step.emit(What.OTHER, event.type, response)
        case _:
            step.session.unread += 1
            step.emit(What.UNKNOWN, event.type)
    return event.type


def _create(step: Step, event: Event) -> None:
    fields, spellings = create_fields(event.body)
    lane_id = fields.get("stream_id", event.stream_id)
    lane = step.session.lane(lane_id if isinstance(lane_id, str) else None, step.record)
    turn = step.begin_turn(lane, step.record)
    if parent := facts.word(fields.get("previous_response_id")):
        step.link(turn, parent)
    else:
        turn.resent_turn = resent_turn(step.state, step.session, fields.get("input"))
    turn.model = facts.word(fields.get("model"))
    turn.store = fields.get("store") is not False
    turn.is_warmup = fields.get("generate") is False or _is_prewarm(fields.get("prompt_cache_options"))
    turn.answers = facts.answered_calls(fields)
    lane.waiting.append(turn)
    lane.doubtful = None
    step.emit(What.TURN, "sent")
    step.spell(spellings)
    for call_id in turn.answers:
        if (call := _call(step, turn, call_id)) is not None:
            call.answered, call.answered_by = step.record, "client"
            step.emit(What.ANSWER, call_id, item=call)


def _is_prewarm(options: object) -> bool:
    return isinstance(options, dict) and options.get("prewarm") is True  # forces generate: false [SDK]


def _call(step: Step, turn: Turn, call_id: str) -> Item | None:
    parent = step.state.turn(turn.parent_turn)
    for response in parent.responses if parent else ():
        for item in response.calls:
            if call_id in (item.call_id, item.id):
                return item
    return step.state.calls.get(call_id)


def _steer(step: Step, event: Event) -> None:
    target = facts.word(event.body.get("previous_response_id"))
    response = step.session.responses.get(target)
    text = facts.plain_input(event.body.get("input"))
    turn = step.state.turn(response.turn) if response is not None else None
    if turn is not None and len(turn.steers) < MAX_STEERS:
        turn.steers.append(Steer(step.record, target, text, "sent"))
    step.turn = turn.number if turn is not None else 0
    step.emit(What.STEER, "sent", response)
