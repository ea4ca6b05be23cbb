"""What a connection remembers and what the server has stored, as far as a recording can tell.

Its one rule: a connection keeps the latest response of each lane, or of the whole socket where there are no
lanes; what was stored outlives it; a continuation that fails takes its parent out of the memory [WSG].
HTTP remembers nothing from one request to the next.
It answers questions about one response and decides nothing.
"""

from __future__ import annotations

from sessions.profile import OPENAI, ProfileFacts
from sessions.reducer import Sessions
from sessions.session import Response, Session, Turn


def find(sessions: Sessions, response_id: str | None, session: Session | None = None) -> Response | None:
    """The response of this id, the session's own before any other's; None when nobody has seen it."""
    if not response_id:
        return None
    own = session.responses.get(response_id) if session is not None else None
    return own or sessions.responses.get(response_id)


def is_stored(sessions: Sessions, response: Response, profile: ProfileFacts = OPENAI) -> bool:
    """Whether the server keeps it beyond the socket: what it echoed, else what was asked for."""
    if response.store is not None:
        return response.store
    if profile.stores in ("never", "always"):
        return profile.stores == "always"
    turn = sessions.turn(response.turn)
    return turn is None or turn.store


def is_remembered(session: Session, response: Response, profile: ProfileFacts = OPENAI) -> bool:
    """Whether it is in this connection's memory: the latest of its lane, or of the socket without lanes."""
    if session.is_http or response.session != session.number or response.id in session.evicted:
        return False
    if profile.lanes:
        lane = session.lanes.get(response.lane)
        return lane is not None and lane.head is response
    heads = [lane.head for lane in session.lanes.values() if lane.head is not None]
    return bool(heads) and max(heads, key=lambda head: head.ended) is response


def forgotten(
    sessions: Sessions, session: Session | None, parent: str | None, profile: ProfileFacts = OPENAI
) -> Turn | None:
    """The turn that a request over HTTP cannot name as its parent, because nobody keeps it.

    None on a socket, for a parent that was stored, and for one that this recording has not seen.
    """
    if session is None or not session.is_http:
        return None
    response = find(sessions, parent, session)
    if response is None or is_stored(sessions, response, profile):
        return None
    return sessions.turn(response.turn)
