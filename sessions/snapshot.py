"""All state as plain data: dictionaries, lists, strings and numbers, for tests and machine-readable faces.

Two folds of the same records give equal snapshots; nothing in it refers back to live objects.
"""

from __future__ import annotations

from typing import Any

from sessions.items import Item
from sessions.session import Lane, Response, Session, Turn
from sessions.state import State


def snapshot(sessions: State) -> dict[str, Any]:
    """The whole state."""
    return {
        "records": sessions.records,
        "sessions": [_session(one) for one in sessions.sessions.values()],
        "turns": [turn_snapshot(turn) for turn in sessions.turns],
        "types": [sessions.type_at(n) for n in range(sessions.records)],
        "turn_of": list(sessions.turn_column),
    }


def turn_snapshot(turn: Turn) -> dict[str, Any]:
    """One turn with its responses and items."""
    return {
        "number": turn.number,
        "session": turn.session,
        "lane": turn.lane,
        "create": turn.create,
        "sent": turn.sent,
        "ended": turn.ended,
        "parent": turn.parent,
        "parent_turn": turn.parent_turn,
        "resent_turn": turn.resent_turn,
        "model": turn.model,
        "store": turn.store,
        "warmup": turn.is_warmup,
        "steered": turn.is_steered,
        "forced": turn.is_forced,
        "status": turn.status.value,
        "answers": list(turn.answers),
        "failure": turn.failure._asdict() if turn.failure else None,
        "steers": [steer._asdict() for steer in turn.steers],
        "responses": [_response(one) for one in turn.responses],
    }


def _response(response: Response) -> dict[str, Any]:
    return {
        "id": response.id,
        "lane": response.lane,
        "status": response.status.value,
        "previous_response_id": response.previous_response_id,
        "model": response.model,
        "store": response.store,
        "usage": response.usage._asdict() if response.usage else None,
        "failure": response.failure._asdict() if response.failure else None,
        "incomplete_reason": response.incomplete_reason,
        "text": response.text,
        "items": [_item(item) for item in response.items],
        "dialects": sorted(response.dialects),
        "irregular": [list(one) for one in response.irregular],
        "times": [
            response.created,
            response.first_item,
            response.first_token,
            response.first_text,
            response.ended,
        ],
        "deltas": response.deltas,
    }


def _item(item: Item) -> dict[str, Any]:
    return {
        "id": item.id,
        "type": item.type,
        "status": item.status,
        "call_id": item.call_id,
        "name": item.name,
        "output_index": item.output_index,
        "added": item.added,
        "done": item.done,
        "progress": item.progress,
        "images": item.images,
        "answered": item.answered,
        "answered_by": item.answered_by,
        "pending": item.is_pending,
        "parts": {
            f"{slot}.{index}": {
                "text": str(part.text),
                "done": part.is_done,
                "annotations": list(part.annotations),
            }
            for (slot, index), part in sorted(item.parts.items())
        },
    }


def _session(session: Session) -> dict[str, Any]:
    return {
        "number": session.number,
        "phase": session.phase.value,
        "opened": session.opened,
        "ended": session.ended,
        "lifetime": session.lifetime,
        "url": session.url,
        "route": session.route,
        "profile": session.profile,
        "status": session.status,
        "failure_class": session.failure_class.value if session.failure_class else None,
        "close": [session.close_code, session.close_reason, session.closed_by],
        "lanes": [_lane(lane) for lane in session.lanes.values()],
        "turns": [turn.number for turn in session.turns],
        "evicted": dict(session.evicted),
        "not_found": dict(session.not_found),
        "limits": dict(session.limits),
        "unknown_types": dict(session.unknown_types),
        "dialects": dict(session.dialects),
        "errors": session.errors,
        "undecodable": session.undecodable,
        "bytes": [session.bytes_in, session.bytes_out],
        "wire": [session.wire_in, session.wire_out],
        "who": [session.name, session.client, session.peer, session.pair, session.thread],
        "http": [session.method, session.target, session.media_type] if session.is_http else None,
        "frames": [session.frames_in, session.frames_out],
    }


def _lane(lane: Lane) -> dict[str, Any]:
    return {
        "id": lane.id,
        "waiting": [turn.number for turn in lane.waiting],
        "open": lane.open.id if lane.open else None,
        "head": lane.head.id if lane.head else None,
    }
