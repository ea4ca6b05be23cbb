"""Rules about the chain: parents lost, changed or forgotten, missing outputs, the shape of creates."""

from __future__ import annotations

from collections.abc import Iterator

from sessions import dialects, facts
from sessions.contract import PARENT_NOT_FOUND, Family, Status, family
from sessions.events import Event
from sessions.findings.seen import Claim, Seen
from sessions.records import Direction
from sessions.session import Turn


def look(seen: Seen) -> Iterator[Claim]:
    """What this record says about its chain."""
    turn = seen.turn
    if turn is None:
        return
    if seen.record.direction is Direction.CLIENT:
        if turn.create == seen.number and type(seen.raw) is Event:
            yield from _create(seen, turn, seen.raw)
        return
    event = seen.event
    if event is None:
        return
    if event.type == "response.created":
        yield from _began(seen, turn)
    elif (
        family(event.type) is Family.ERROR
        and turn.failure is not None
        and turn.failure.code == PARENT_NOT_FOUND
    ):
        parent = seen.state.turn(turn.parent_turn)
        if parent is not None and parent.session != turn.session:
            yield Claim(
                "parent-of-other-socket",
                f"{turn.parent} was made on socket {parent.session}, store {parent.store}",
                (parent.create,) if parent.create >= 0 else (),
            )
        else:
            yield Claim("parent-lost", f"{turn.parent} is not known on socket {turn.session}", (turn.create,))


def _create(seen: Seen, turn: Turn, event: Event) -> Iterator[Claim]:
    fields, spellings = dialects.create_fields(event.body)
    if dialects.NESTED_CREATE in spellings:
        yield Claim("create-nested", "the parameters stand under response")
    if dialects.CHAT_TOOLS in spellings:
        yield Claim("chat-tools", "a tool nests its schema under function")
    if fields.get("background") is True:
        yield Claim("stream-field", "background: true")
    parent = seen.state.turn(turn.parent_turn)
    response = parent.response if parent is not None else None
    if response is not None and response.id == turn.parent:
        missing = [
            call.answer_id
            for call in response.calls
            if call.answer_id not in turn.answers and call.answered in (-1, seen.number)
        ]
        if (missing and turn.answers != ()) or (missing and _has_words(fields)):
            yield Claim("output-missing", f"no output for {', '.join(missing[:3])}", (response.last,))


def _has_words(fields: object) -> bool:
    return isinstance(fields, dict) and bool(facts.plain_input(fields.get("input")))


def _began(seen: Seen, turn: Turn) -> Iterator[Claim]:
    response = seen.response
    if response is None or turn.create < 0:
        return
    session = seen.session
    body = seen.body.get("response")
    echoed = body.get("previous_response_id") if isinstance(body, dict) else None
    if turn.parent and isinstance(body, dict) and "previous_response_id" in body and echoed != turn.parent:
        yield Claim(
            "parent-not-echoed", f"sent {turn.parent}, echoed {facts.brief(echoed)[:80]}", (turn.create,)
        )
    if turn.parent and turn.parent in session.evicted and session.evicted[turn.parent] < turn.create:
        yield Claim(
            "no-eviction",
            f"{turn.parent} was evicted by a failed continuation",
            (session.evicted[turn.parent], turn.create),
        )
    same = [
        other
        for other in session.turns
        if other is not turn and other.response_id and other.response_id == response.id
    ]
    if same:
        yield Claim(
            "id-repeated", f"{response.id} was T{same[0].number}'s already", (same[0].responses[-1].first,)
        )
    others = [one for one in session.live if one is not response and one.lane == response.lane]
    if others and turn.status is not Status.CUT:
        yield Claim("lanes-interleaved", f"T{others[0].turn} still runs on the same lane", (others[0].first,))
