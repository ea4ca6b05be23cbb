"""What clients do instead of a socket, in sentences: how often they tried, what they got, what it cost.

Its one rule: it tells what the sessions of one client show, side by side, and guesses nothing about clients
that were not seen. Names of clients are remote text: faces pass every sentence through their gate.
How clients fall back was measured with Codex 0.169, opencode 1.18 and pydantic-ai 2.68.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sessions.contract import FAILURES, FailureClass, Status
from sessions.exchanges import BRIDGE
from sessions.finding import Severity
from sessions.recipes import of_client
from sessions.session import Phase, Session
from sessions.state import State

FELL_BACK = "fell-back"
GAVE_UP = "refused-without-fallback"
HTTP_ONLY = "http-only"
BOTH = "both-transports"

#: so long nothing is said of what a client has not done: Codex waits up to 3.2 s between two tries
_PATIENCE_SECONDS = 5.0
_WELL = (Status.COMPLETED, Status.INCOMPLETE)
_UPGRADE_REQUIRED = 426


class Sentence(NamedTuple):
    """One thing that a person who watches a client should be told."""

    id: str
    severity: Severity
    title: str
    detail: str
    remedy: str  #: "" when there is nothing to do
    sessions: tuple[int, ...]  #: that it is about, in their order
    client: str  #: as it calls itself

    @property
    def is_fallback(self) -> bool:
        """Whether a client has left WebSocket for HTTP."""
        return self.id == FELL_BACK


def sentences(state: State, now: float) -> tuple[Sentence, ...]:
    """What there is to say about every client, in the order of their first requests.

    `now` is recording time in seconds: whether a refused client may still try again depends on it.
    """
    groups: dict[str, list[Session]] = {}
    for session in state.sessions.values():
        if session.client == BRIDGE:
            continue  # its POSTs are what a client's socket became, nobody's choice
        groups.setdefault(key_of(session), []).append(session)
    with_sockets = {_caller(one) for one in state.sessions.values() if not one.is_http}
    return tuple(sentence for group in groups.values() for sentence in _of_client(group, with_sockets, now))


def key_of(session: Session) -> str:
    """What the sessions of one run of a client share: its own id, or its name and address."""
    return f"pair {session.pair}" if session.pair else f"client {_caller(session)}"


def name_of(client: str) -> str:
    """A client's name for people: the one of its recipe, or the first word of what it calls itself."""
    if recipe := of_client(client, ""):
        return recipe.client
    return client.partition("/")[0].partition(" ")[0] or "a client without a name"


def _caller(session: Session) -> str:
    return f"{session.client} {session.peer.rpartition(':')[0]}"


def _of_client(group: Sequence[Session], with_sockets: set[str], now: float) -> Iterable[Sentence]:
    failed: list[Session] = []  # in a row, since a socket last worked
    beside: list[Session] = []  # POSTs of a client whose sockets work
    never: list[Session] = []  # POSTs of a client that was not seen to try
    has_socket = False
    fell: list[tuple[list[Session], list[Session]]] = []  # tries, and the POSTs that followed
    for session in group:
        if session.is_http:
            if not session.turns:
                continue
            if failed:
                fell.append((failed, [session]))
                failed = []
            elif fell and not has_socket:
                fell[-1][1].append(session)
            elif has_socket or _caller(session) in with_sockets:
                beside.append(session)
            else:
                never.append(session)
        elif _came_to_nothing(session):
            failed.append(session)
            has_socket = False
        elif session.phase is not Phase.OPENING and (session.turns or not session.phase.is_over):
            failed = []
            has_socket = True
    yield from (_fell_back(tries, posts) for tries, posts in fell)
    refused = [one for one in failed if one.phase is Phase.REFUSED]
    if refused and now - _moment(refused[-1]) >= _PATIENCE_SECONDS:
        yield _gave_up(refused)
    if never and now - _moment(never[0]) >= _PATIENCE_SECONDS:  # opencode asks for a title first
        yield _http_only(never)
    if beside:
        yield _both(beside, group)


def _came_to_nothing(session: Session) -> bool:
    """Whether a socket was refused, or ended without having brought any answer that was asked of it."""
    if session.phase is Phase.REFUSED:
        return True
    if not session.phase.is_over or any(turn.status in _WELL for turn in session.turns):
        return False
    return bool(session.turns) or session.closed_by == "server"


def _fell_back(tries: Sequence[Session], posts: Sequence[Session]) -> Sentence:
    first, post = tries[0], posts[0]
    cost = max(0.0, _moment(post) - _moment(first))
    is_polite = all(one.status == _UPGRADE_REQUIRED for one in tries)
    turns = f", and {len(posts) - 1} more since" if len(posts) > 1 else ""
    later = "after the first try" if len(tries) > 1 else "later"
    if is_polite:
        remedy = (
            "The server says on purpose that it speaks HTTP only here, and the client believes it. If "
            "WebSocket was expected, enable it there or use another base URL."
        )
    else:
        remedy = _remedy(tries[-1])
        if len(tries) > 1:
            remedy += " A server without WebSocket should answer 426: Codex then switches after one try."
    return Sentence(
        FELL_BACK,
        Severity.NOTE if is_polite else Severity.WARNING,
        f"{name_of(post.client)} fell back to HTTP after {_count(len(tries), 'try', 'tries')}",
        f"{_tried(tries)}. {_seconds(cost)} {later} it sent its turn by POST{turns}.",
        remedy,
        tuple(one.number for one in (*tries, *posts)),
        post.client,
    )


def _gave_up(tries: Sequence[Session]) -> Sentence:
    newest = tries[-1]
    return Sentence(
        GAVE_UP,
        Severity.WARNING,
        f"{name_of(newest.client)} was refused and has not fallen back to HTTP",
        f"{_tried(tries)}. No POST followed.",
        _remedy(newest),
        tuple(one.number for one in tries),
        newest.client,
    )


def _http_only(posts: Sequence[Session]) -> Sentence:
    client = posts[0].client
    recipe = of_client(client, "")
    name = name_of(client)
    hint = f" For {recipe.client}: {recipe.title}. {recipe.note}" if recipe else ""
    return Sentence(
        HTTP_ONLY,
        Severity.WARNING,
        f"{name} asks over HTTP and has not tried WebSocket",
        f"{_count(len(posts), 'POST', 'POSTs')} without any upgrade: WebSocket is not switched on in it, or "
        "it takes this base URL for HTTP only.",
        f"Point it here as its recipe says.{hint}",
        tuple(one.number for one in posts),
        client,
    )


def _both(posts: Sequence[Session], group: Sequence[Session]) -> Sentence:
    client, name = posts[0].client, name_of(posts[0].client)
    asked = sum(len(one.turns) for one in group)
    went = f"{_count(len(posts), 'turn', 'turns')} of {asked} went by POST"
    if all(one.pair for one in posts):
        title = f"{name} uses WebSocket and HTTP side by side"
        detail = f"{went} though it has sockets that work."
    elif any(_is_open_at(one, _moment(post)) for one in group for post in posts):
        title = f"{name} seems to use WebSocket and HTTP side by side"
        detail = f"{went} while a socket was open. Two programs of the same name would look the same."
    else:
        title = f"{name} may use WebSocket and HTTP, or there are two of it"
        detail = f"{went} while no socket was open: one program, or several of the same name."
    return Sentence(
        BOTH,
        Severity.NOTE,
        title,
        f"{detail} Some clients ask for titles over HTTP, or send by POST what finds their socket busy.",
        "",
        tuple(one.number for one in posts),
        client,
    )


def _is_open_at(session: Session, moment: float) -> bool:
    """Whether a session is a socket that was open then, in seconds of recording time."""
    if session.is_http or not 0 <= session.opened <= moment:
        return False
    return not session.phase.is_over or session.ended >= moment


def _tried(tries: Sequence[Session]) -> str:
    """How often, within which time, and what came of it, in their order."""
    results: list[tuple[str, int]] = []
    for one in tries:
        word = _result(one)
        if results and results[-1][0] == word:
            results[-1] = (word, results[-1][1] + 1)
        else:
            results.append((word, 1))
    if len(results) == 1 and len(tries) > 1:
        said = f"{results[0][0]} each time"
    else:
        said = ", then ".join(
            f"{word} {_count(many, 'time', 'times')}" if many > 1 else word for word, many in results
        )
    span = _moment(tries[-1]) - _moment(tries[0])
    within = f" within {_seconds(span)}" if len(tries) > 1 else ""
    return f"It tried WebSocket {_times(len(tries))}{within} and got {said}"


def _result(session: Session) -> str:
    if session.phase is Phase.REFUSED:
        if session.status:
            return f"HTTP {session.status}"
        return session.failure_class.value if session.failure_class else "no answer"
    if session.phase is Phase.CLOSED and session.closed_by:
        return f"close {session.close_code} by the {session.closed_by}"
    return "a connection that was lost"


def _remedy(session: Session) -> str:
    if session.closed_by == "tap":
        return "The tap itself refused that: the record of the refusal says why; no server was asked."
    return FAILURES[session.failure_class or FailureClass.CLOSED][1]


def _moment(session: Session) -> float:
    return session.opened if session.opened >= 0 else session.ended


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _count(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value >= 0.1 else f"{value * 1000:.0f} ms"
