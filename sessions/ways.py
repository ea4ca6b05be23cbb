"""The ways on after trouble: which will work, what each costs, and why the others fail.

Its one rule: it offers and explains, the safest way that works first; it does nothing by itself.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from sessions.admission import NEAR_LIMIT_SECONDS
from sessions.context import ReadRecord, full_replay
from sessions.continuation import Forecast, Where, forecast, next_parent, sockets_before
from sessions.contract import AGE_LIMIT, PARENT_NOT_FOUND, Status
from sessions.cost import BYTES_PER_TOKEN, Cost, context_tokens, estimate
from sessions.memory import find
from sessions.profile import OPENAI, ProfileFacts
from sessions.reducer import Sessions
from sessions.session import Phase, Session, Turn, remaining

_LIMIT_GRACE_SECONDS = 1.0  # a server's clock starts a little before ours


class Trouble(StrEnum):
    """Why somebody may want another way on."""

    PARENT_NOT_FOUND = "parent_not_found"  #: the server said so
    PARENT_GONE = "parent_gone"  #: the next create would fail, as far as anybody can know
    AGE_LIMIT = "age_limit"
    CLOSED = "closed"
    LOST = "lost"
    REFUSED = "refused"
    SOCKET_DEAD = "socket_dead"  #: this provider answers nothing after an error
    NEAR_LIMIT = "near_limit"


_TROUBLES = {
    Trouble.PARENT_NOT_FOUND: "The server does not have the parent of the last turn.",
    Trouble.PARENT_GONE: "The chain cannot simply go on: its last answer is in nobody's memory.",
    Trouble.AGE_LIMIT: "The age limit of this socket has been reached.",
    Trouble.CLOSED: "The socket was closed.",
    Trouble.LOST: "The connection was lost without a close frame.",
    Trouble.REFUSED: "The socket could not be opened.",
    Trouble.SOCKET_DEAD: "An error came, and this provider answers nothing more on such a socket.",
    Trouble.NEAR_LIMIT: "This socket will soon reach its age limit.",
}


class WayKind(StrEnum):
    """How a chain may go on."""

    STAY = "stay"
    SAME_SOCKET = "same_socket"
    NEW_SOCKET_STORED = "new_socket_stored"
    REPLAY_SAME = "replay_same"
    REPLAY_NEW_SOCKET = "replay_new_socket"
    NEW_CHAIN = "new_chain"


class Way(NamedTuple):
    """One way on."""

    kind: WayKind
    title: str
    cost: Cost
    works: bool | None  #: None: nobody can know
    reason: str
    parent: str | None = None  #: `previous_response_id` of the create that takes this way
    turn: int = 0  #: number of the turn that is continued or replayed; 0 for none
    notes: tuple[str, ...] = ()

    @property
    def needs_new_socket(self) -> bool:
        """Whether a socket has to be opened first."""
        return self.kind in (WayKind.NEW_SOCKET_STORED, WayKind.REPLAY_NEW_SOCKET)

    @property
    def is_replay(self) -> bool:
        """Whether the whole context is sent again."""
        return self.kind in (WayKind.REPLAY_SAME, WayKind.REPLAY_NEW_SOCKET)


def trouble(
    sessions: Sessions,
    session: Session | None,
    lane: str | None,
    *,
    now: float | None = None,
    profile: ProfileFacts = OPENAI,
) -> Trouble | None:
    """What stands in the way of simply going on with this lane; None when nothing does. Cheap.

    `now` is recording time in seconds, None to leave the age limit of an open socket out.
    """
    if session is None:
        return None
    moment = session.ended if session.ended >= 0 else now
    left = None if moment is None or session.opened < 0 else remaining(session, moment)
    match session.phase:
        case Phase.REFUSED:
            return Trouble.REFUSED
        case _ if session.failure is not None and session.failure.code == AGE_LIMIT:
            return Trouble.AGE_LIMIT
        case _ if left is not None and left <= (_LIMIT_GRACE_SECONDS if session.phase.is_over else 0.0):
            return Trouble.AGE_LIMIT
        case Phase.LOST:
            return Trouble.LOST
        case Phase.CLOSED | Phase.CLOSING:
            return Trouble.CLOSED
    if session.is_http:
        newest = _newest(session, lane)
        failure = newest.failure if newest is not None else None
        return Trouble.PARENT_NOT_FOUND if failure and failure.code == PARENT_NOT_FOUND else None
    if session.errors and profile.socket_after_error in ("dead", "closed"):
        return Trouble.SOCKET_DEAD
    newest = _newest(session, lane)
    if newest is None:
        # a socket that has said nothing yet, beside a chain that began on another one
        parent = next_parent(sessions, session, lane)
        if parent and _outlook(sessions, parent, session, lane, profile).works is False:
            return Trouble.PARENT_GONE
    elif newest.status in (Status.ERRORED, Status.FAILED):
        if newest.failure is not None and newest.failure.code == PARENT_NOT_FOUND:
            return Trouble.PARENT_NOT_FOUND
        if newest.parent and _outlook(sessions, newest.parent, session, lane, profile).works is False:
            return Trouble.PARENT_GONE
    if left is not None and left <= NEAR_LIMIT_SECONDS:
        return Trouble.NEAR_LIMIT
    return None


def trouble_sentence(kind: Trouble) -> str:
    """The trouble in one sentence."""
    return _TROUBLES[kind]


def ways_on(
    sessions: Sessions,
    session: Session | None,
    lane: str | None,
    *,
    read_record: ReadRecord | None = None,
    now: float | None = None,
    turn: Turn | None = None,
    profile: ProfileFacts = OPENAI,
) -> tuple[Way, ...]:
    """Every way on, the safest that works first, those that fail last and with their reason.

    `turn` is the one to go on from, by default the newest good one of the lane's chain. With `read_record`
    the cost of a replay is counted and its gaps are named; without it both are estimated from usage.
    """
    kind = trouble(sessions, session, lane, now=now, profile=profile)
    goal = turn or _goal(sessions, session, lane)
    parent = _parent_of(sessions, session, lane, goal)
    is_open = session is not None and session.phase is Phase.OPEN
    ways: list[Way] = []
    if is_open and kind is Trouble.NEAR_LIMIT:
        ways.append(_stay(session, now))
    elif parent:
        ways.append(_same_socket(sessions, session, lane, parent, goal, profile))
    if parent:
        ways.append(_stored(sessions, lane, parent, goal, profile))
    if goal is not None:
        ways += _replays(sessions, session, goal, kind, read_record, profile)
    ways.append(
        Way(
            WayKind.NEW_CHAIN,
            "Start a new chain",
            Cost(0, 0, 0),
            True,
            "It always works, and the model knows nothing of what was said.",
        )
    )
    order = _NEAR_LIMIT_ORDER if kind is Trouble.NEAR_LIMIT else tuple(WayKind)
    return tuple(sorted(ways, key=lambda way: (_rank(way), order.index(way.kind))))


# The ways --------------------------------------------------------------------------------------------

_NEAR_LIMIT_ORDER = (
    WayKind.NEW_SOCKET_STORED,
    WayKind.REPLAY_NEW_SOCKET,
    WayKind.STAY,
    WayKind.REPLAY_SAME,
    WayKind.SAME_SOCKET,
    WayKind.NEW_CHAIN,
)


def _rank(way: Way) -> int:
    if way.works is False:
        return 3
    if way.kind is WayKind.NEW_CHAIN:
        return 2
    return 0 if way.works else 1


def _stay(session: Session | None, now: float | None) -> Way:
    left = remaining(session, now) if session is not None and now is not None else 0.0
    return Way(
        WayKind.STAY,
        "Stay on this socket for now",
        Cost(0, 0, 0),
        True,
        f"{_left_words(left)} left; whether an answer may run past the limit is not documented.",
    )


def _left_words(seconds: float) -> str:
    whole = max(0, int(seconds))
    if whole >= 120:
        return f"{whole / 60:.0f} minutes are"
    return "1 second is" if whole == 1 else f"{whole} seconds are"


def _same_socket(
    sessions: Sessions,
    session: Session | None,
    lane: str | None,
    parent: str,
    goal: Turn | None,
    profile: ProfileFacts,
) -> Way:
    number = goal.number if goal else 0
    title = f"Go on from {_name(goal, parent)} on this socket"
    if session is None or session.phase is not Phase.OPEN:
        return Way(
            WayKind.SAME_SOCKET,
            title,
            Cost(),
            False,
            "The socket has ended." if session is not None else "No socket is open.",
            parent,
            number,
        )
    outlook = _outlook(sessions, parent, session, lane, profile)
    cost = Cost(0, 0, context_tokens(goal))
    return Way(WayKind.SAME_SOCKET, title, cost, outlook.works, outlook.sentence, parent, number)


def _stored(
    sessions: Sessions, lane: str | None, parent: str, goal: Turn | None, profile: ProfileFacts
) -> Way:
    outlook = _outlook(sessions, parent, None, lane, profile)
    denied = any(parent in one.not_found for one in sessions.sessions.values())
    works, reason = outlook.works, outlook.sentence
    if denied and works is not False:
        works, reason = False, "The server has already said that it does not have it."
    return Way(
        WayKind.NEW_SOCKET_STORED,
        f"Open a new socket and go on from {_name(goal, parent)}",
        Cost(0, 0, context_tokens(goal)),
        works,
        reason,
        parent,
        goal.number if goal else 0,
    )


def _replays(
    sessions: Sessions,
    session: Session | None,
    goal: Turn,
    kind: Trouble | None,
    read_record: ReadRecord | None,
    profile: ProfileFacts,
) -> list[Way]:
    works: bool | None = True
    reason = "Everything the chain has said goes out again, with no parent."
    notes: tuple[str, ...] = ()
    if read_record is not None:
        replay = full_replay(sessions, goal, read_record)
        tokens = context_tokens(goal)
        cost = Cost(
            len(replay.items), replay.size, replay.size // BYTES_PER_TOKEN if tokens is None else tokens
        )
        notes = replay.notes
        if not replay.is_complete:
            works = None
            reason = "The server will take it, but part of the chain is missing: " + replay.notes[0]
    else:
        cost = estimate(sessions, goal)
        if sessions.chain(goal)[0].parent:
            works = None
            reason = "The server will take it, but the beginning of the chain is not in this recording."
    on_this: tuple[bool | None, str] = (works, reason)
    if session is None or session.phase is not Phase.OPEN:
        on_this = (False, "The socket has ended." if session is not None else "No socket is open.")
    elif kind is Trouble.SOCKET_DEAD:
        on_this = (False, "This provider answers nothing on a socket after an error.")
    elif kind is Trouble.AGE_LIMIT:
        on_this = (False, "The age limit of this socket has passed.")
    name = f"T{goal.number}"
    return [
        Way(
            WayKind.REPLAY_SAME,
            f"Replay the chain up to {name} on this socket",
            cost,
            *on_this,
            None,
            goal.number,
            notes,
        ),
        Way(
            WayKind.REPLAY_NEW_SOCKET,
            f"Open a new socket and replay the chain up to {name}",
            cost,
            works,
            reason,
            None,
            goal.number,
            notes,
        ),
    ]


# What is continued -------------------------------------------------------------------------------------


def _newest(session: Session, lane: str | None) -> Turn | None:
    return next((turn for turn in reversed(session.turns) if turn.lane == lane), None)


def _goal(sessions: Sessions, session: Session | None, lane: str | None) -> Turn | None:
    """The newest turn that ended well on this lane, or above the one that did not."""
    for here in sockets_before(sessions, session):
        newest = _newest(here, lane)
        if newest is not None and not newest.parent and (own := here.lanes.get(lane)) and own.head:
            return sessions.turn(own.head.turn)  # what failed began a new chain; the old one is still there
        while newest is not None:
            if newest.status in (Status.COMPLETED, Status.INCOMPLETE):
                return newest
            newest = sessions.turn(newest.parent_turn)
    return None


def _parent_of(
    sessions: Sessions, session: Session | None, lane: str | None, goal: Turn | None
) -> str | None:
    if goal is not None:
        return goal.response_id or None
    newest = _newest(session, lane) if session is not None else None
    return newest.parent if newest is not None else None


def _outlook(
    sessions: Sessions, parent: str, session: Session | None, lane: str | None, profile: ProfileFacts
) -> Forecast:
    outlook = forecast(sessions, parent, session, lane, profile=profile)
    if session is None and outlook.where is Where.UNKNOWN and find(sessions, parent) is None:
        return outlook._replace(sentence=f"Nobody here knows whether the server has stored {parent}.")
    return outlook


def _name(goal: Turn | None, parent: str) -> str:
    return f"T{goal.number}" if goal is not None else parent
