"""What survives when a socket ends, lane by lane; and what stopping an answer therefore costs.

Its one rule: all memory of a connection goes with its socket; only what was stored, or can be replayed in
full, goes on. It tells and does nothing.
"""

from __future__ import annotations

from typing import NamedTuple

from sessions.admission import lane_name
from sessions.cost import estimate
from sessions.memory import is_stored
from sessions.profile import OPENAI, ProfileFacts
from sessions.reducer import Sessions
from sessions.session import Lane, Response, Session
from sessions.ways import WayKind


class Survivor(NamedTuple):
    """What becomes of one lane when its socket ends."""

    lane: str | None
    turn: int
    response: str
    way: WayKind
    sentence: str


def survivors(
    sessions: Sessions, session: Session, *, profile: ProfileFacts = OPENAI
) -> tuple[Survivor, ...]:
    """What becomes of each lane when this socket ends: the memory of all lanes goes with it [WSG]."""
    return tuple(
        _survivor(sessions, lane, profile)
        for lane in session.lanes.values()
        if lane.head or lane.open or lane.waiting
    )


def what_stopping_costs(
    sessions: Sessions,
    response: Response | None = None,
    *,
    session: Session | None = None,
    profile: ProfileFacts = OPENAI,
) -> str:
    """What stopping this answer, by closing its socket, does to it and to everything beside it, in lines.

    The protocol has no cancel. Give the response, or the session whose socket would be closed.
    """
    home = sessions.sessions[response.session] if response is not None else session
    if home is None:
        return "No socket is open: there is nothing to stop."
    if home.is_http and home.spans_requests:
        return _what_closing_requests_costs(home)
    lines = [f"There is no cancel in this protocol: stopping closes socket {home.number}, for all lanes."]
    running = sorted({one.turn for one in home.live})
    if running:
        cut = ", ".join(f"T{number}" for number in running)
        lines.append(f"Cut: {cut}. Whether the server goes on, and bills it, is not documented.")
    waiting = [turn.number for lane in home.lanes.values() for turn in lane.waiting]
    if waiting:
        names = ", ".join(f"T{number}" for number in sorted(waiting))
        lines.append(f"Sent but not begun: {names}. They may or may not run.")
    kept = survivors(sessions, home, profile=profile)
    for survivor in kept:
        lines.append(survivor.sentence)
    if not kept:
        lines.append("No answer on this socket is lost: none has ended yet.")
    return "\n".join(lines)


def _survivor(sessions: Sessions, lane: Lane, profile: ProfileFacts) -> Survivor:
    name = lane_name(lane.id)
    name = name[:1].upper() + name[1:]
    head = lane.head
    if head is None or not head.id:
        return Survivor(
            lane.id, 0, "", WayKind.NEW_CHAIN, f"{name}: nothing has ended on it, so nothing survives."
        )
    turn = f"T{head.turn}"
    if is_stored(sessions, head, profile):
        sentence = f"{name}: {turn} is stored, a new socket can go on from it."
        return Survivor(lane.id, head.turn, head.id, WayKind.NEW_SOCKET_STORED, sentence)
    goal = sessions.turn(head.turn)
    cost = f" ({estimate(sessions, goal).words})" if goal is not None else ""
    sentence = f"{name}: {turn} lives in this socket's memory only; a new socket needs a full replay{cost}."
    return Survivor(lane.id, head.turn, head.id, WayKind.REPLAY_NEW_SOCKET, sentence)


def _what_closing_requests_costs(session: Session) -> str:
    running = sorted({turn.number for turn in session.turns if turn.is_live})
    if not running:
        return "No request is running: there is nothing to stop."
    names = ", ".join(f"T{number}" for number in running)
    return (
        f"Stopping closes the request of {names} and nothing else: HTTP holds no memory that could be lost.\n"
        f"Cut: {names}. Whether the server goes on, and bills it, is not documented."
    )
