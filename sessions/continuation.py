"""The forecast: may this response be a parent now, where does it live, and what will therefore happen.

Its one rule: it says only what the contract promises and this recording has seen; where nobody can know,
`works` is None and the sentence says so. It reads state and changes nothing.
Facts: the WebSocket mode guide for memory, eviction and lanes; vendors' pages through `ProfileFacts`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from enum import StrEnum
from typing import NamedTuple

from sessions.admission import admission, first_ahead, lane_name
from sessions.contract import Status
from sessions.memory import find, is_remembered, is_stored
from sessions.profile import OPENAI, ProfileFacts
from sessions.reducer import Sessions
from sessions.session import Phase, Response, Session, Turn

#: how ids begin that a LiteLLM proxy has rewritten: `resp_` and the base64 of "litellm:"
_REWRITTEN = "resp_bGl0ZWxsbT"
_ENDED_WELL = frozenset({Status.COMPLETED, Status.INCOMPLETE})


class Where(StrEnum):
    """Where the parent of a create is, seen from the socket that the create would use."""

    NEW = "new"  #: no parent: a new chain
    MEMORY = "memory"
    STORED = "stored"
    EVICTED = "evicted"
    LOST = "lost"
    UNKNOWN = "unknown"  #: this recording has never seen it
    RUNNING = "running"
    FAILED = "failed"


class Forecast(NamedTuple):
    """What will happen to a create that names this parent."""

    where: Where
    works: bool | None  #: None: nobody can know
    sentence: str
    warnings: tuple[str, ...] = ()
    same_socket: bool = True  #: the parent was made on the socket that the create would use


class _Verdict(NamedTuple):
    where: Where
    works: bool | None
    sentence: str


def forecast(
    sessions: Sessions,
    parent: str | None,
    session: Session | None,
    lane: str | None,
    *,
    store: bool = True,
    profile: ProfileFacts = OPENAI,
    now: float | None = None,
    answers: Collection[str] | None = None,
    model: str = "",
) -> Forecast:
    """What will happen to a create with this parent on this socket and lane.

    `session` None, or one that has ended, stands for a socket yet to be opened. `now` is recording time in
    seconds, None to leave the age limit out. `answers` are the call ids that the create answers, None when
    that is not known yet: then calls left open are only warned of. `model` is the one that will be asked for.
    """
    usable = session if session is not None and session.phase in (Phase.OPENING, Phase.OPEN) else None
    warnings: list[str] = []
    response = find(sessions, parent, usable) if parent else None
    if not parent:
        verdict = _new_chain(usable, lane)
    elif response is None:
        verdict = _unknown(sessions, parent, usable)
    else:
        verdict = _known(sessions, response, usable, profile)
        warnings += _about_parent(sessions, response, verdict.where, usable, lane, store, profile)
        verdict = _about_calls(response, verdict, warnings, answers, is_own_lane=response.lane == lane)
        verdict = _about_queue(sessions, response, verdict, warnings, usable, lane, profile)
    entry = admission(usable, lane, profile=profile, now=now, model=model)
    if entry.refusal:
        verdict = verdict._replace(works=False, sentence=entry.refusal)
    warnings += entry.warnings
    same = not parent or (response is not None and usable is not None and response.session == usable.number)
    return Forecast(verdict.where, verdict.works, verdict.sentence, tuple(warnings), same)


def usable_parents(
    sessions: Sessions,
    session: Session | None,
    lane: str | None,
    *,
    store: bool = True,
    profile: ProfileFacts = OPENAI,
    now: float | None = None,
) -> tuple[tuple[Turn, Forecast], ...]:
    """The turns that a create may name now, newest first; those that certainly fail are left out."""
    found: list[tuple[Turn, Forecast]] = []
    for turn in reversed(sessions.turns):
        if turn.response_id:
            outlook = forecast(
                sessions, turn.response_id, session, lane, store=store, profile=profile, now=now
            )
            if outlook.works is not False:
                found.append((turn, outlook))
    return tuple(found)


def next_parent(sessions: Sessions, session: Session | None, lane: str | None) -> str | None:
    """The parent to fill in by itself: what this lane answered last, here or on the newest socket before.

    It may no longer work; the forecast tells. Leaving it out would start a new chain without being asked to.
    """
    for socket in sockets_before(sessions, session):
        found = socket.lanes.get(lane)
        if found is not None and found.head is not None and found.head.id:
            return found.head.id
    return None


def sockets_before(sessions: Sessions, session: Session | None) -> Iterator[Session]:
    """This socket and those before it, newest first; all sockets for None.

    A session that a person named goes on from its own sockets only, and one without a name from such.
    """
    for number in sorted(sessions.sessions, reverse=True):
        socket = sessions.sessions[number]
        if session is None or (number <= session.number and socket.name == session.name):
            yield socket


# Where the parent is ----------------------------------------------------------------------------------


def _new_chain(session: Session | None, lane: str | None) -> _Verdict:
    sentence = "A new chain starts: the model knows nothing of earlier turns."
    used = session.lanes.get(lane) if session is not None else None
    if used is not None and (used.head or used.open or used.waiting):
        sentence = (
            f"A new chain starts on {lane_name(lane)}: a lane keeps its order, not its conversation, "
            "so the model knows nothing of earlier turns."
        )
    return _Verdict(Where.NEW, True, sentence)


def _unknown(sessions: Sessions, parent: str, session: Session | None) -> _Verdict:
    if session is not None and parent in session.not_found:
        return _denied(parent, session.not_found[parent])
    return _Verdict(
        Where.UNKNOWN,
        None,
        f"This recording has never seen {parent}: it works only if the server has stored it.",
    )


def _denied(name: str, record: int) -> _Verdict:
    return _Verdict(
        Where.LOST, False, f"The server has already said that it does not have {name} (record {record})."
    )


def _known(
    sessions: Sessions, response: Response, session: Session | None, profile: ProfileFacts
) -> _Verdict:
    name = f"T{response.turn}"
    if response.is_live:
        return _Verdict(
            Where.RUNNING, False, f"{name} is still running: only a response that has ended can be a parent."
        )
    stored = is_stored(sessions, response, profile)
    if response.status is Status.CUT:
        if stored:
            return _Verdict(
                Where.STORED,
                None,
                f"The socket of {name} ended before its answer did: the server may have stored it or not.",
            )
        return _Verdict(Where.LOST, False, f"{name} was cut with its socket and never stored: it is lost.")
    if response.status not in _ENDED_WELL:
        above = sessions.turn(response.turn)
        hint = f" Its own parent is T{above.parent_turn}." if above and above.parent_turn else ""
        return _Verdict(
            Where.FAILED,
            False if profile.failure_ends_chain else None,
            f"{name} failed: nothing promises that a failed response can be a parent.{hint}",
        )
    if profile.failure_ends_chain and (broken := _failed_after(sessions, response)):
        return _Verdict(
            Where.LOST, False, f"T{broken} failed, and here a failure ends its whole chain, {name} included."
        )
    verdict = _kept(sessions, response, session, profile, stored=stored)
    if response.status is Status.INCOMPLETE and verdict.works:
        reason = response.incomplete_reason or "no reason given"
        return verdict._replace(
            works=None,
            sentence=f"{verdict.sentence} It ended incomplete ({reason}): "
            "nothing promises that such a response can be a parent.",
        )
    return verdict


def _kept(
    sessions: Sessions, response: Response, session: Session | None, profile: ProfileFacts, *, stored: bool
) -> _Verdict:
    name = f"T{response.turn}"
    if session is not None and (record := session.not_found.get(response.id)) is not None:
        return _denied(name, record)
    if session is not None and session.is_http:
        return _kept_over_http(sessions, response, session, stored=stored)
    if session is not None and is_remembered(session, response, profile):
        return _Verdict(
            Where.MEMORY, True, f"{name} is in this connection's memory: the server continues at once."
        )
    if stored:
        return _stored(sessions, response, session)
    home = sessions.sessions[response.session]
    if (record := home.evicted.get(response.id)) is not None:
        turn = sessions.turn_column[record] if record < len(sessions.turn_column) else 0
        culprit = f"T{turn}" if turn else "a continuation"
        return _Verdict(
            Where.EVICTED,
            False,
            f"{name} left the memory when {culprit} failed, and it was not stored: "
            "the server will answer previous_response_not_found.",
        )
    ending = "and it was not stored: the server will answer previous_response_not_found."
    if session is None or home is not session:
        state = "has ended" if home.phase.is_over else "is another one"
        return _Verdict(
            Where.LOST, False, f"{name} lived in the memory of socket {home.number}, which {state}, {ending}"
        )
    scope = lane_name(response.lane) if profile.lanes else "this socket"
    return _Verdict(Where.LOST, False, f"{_capital(scope)} has moved on from {name}, {ending}")


def _kept_over_http(sessions: Sessions, response: Response, session: Session, *, stored: bool) -> _Verdict:
    name = f"T{response.turn}"
    if not stored:
        return _Verdict(
            Where.LOST,
            False,
            f"HTTP remembers nothing between requests and {name} was not stored: only its whole history "
            "can be sent again.",
        )
    verdict = _stored(sessions, response, session)
    if not verdict.works:
        return verdict
    return verdict._replace(sentence=f"{name} was stored: over HTTP the server loads it for each request.")


def _address(url: str) -> str:
    """An address without its scheme: a socket and HTTP lead to the same server."""
    return url.partition("://")[2]


def _stored(sessions: Sessions, response: Response, session: Session | None) -> _Verdict:
    name = f"T{response.turn}"
    home = sessions.sessions[response.session]
    if session is not None and home is not session and _address(home.url) != _address(session.url):
        if response.id.startswith(_REWRITTEN):
            why = "its id was rewritten by a LiteLLM proxy, and only that proxy can read it"
        else:
            why = "whether this one finds it depends on what stands behind both"
        return _Verdict(Where.STORED, None, f"{name} was stored through another address: {why}.")
    return _Verdict(
        Where.STORED,
        True,
        f"{name} is not in this connection's memory but was stored: the server loads it, a little slower.",
    )


def _failed_after(sessions: Sessions, response: Response) -> int:
    for turn in sessions.sessions[response.session].turns:
        if turn.status is Status.FAILED and any(
            link.number == response.turn for link in sessions.chain(turn)
        ):
            return turn.number
    return 0


# What else changes the outlook -----------------------------------------------------------------------


def _about_parent(
    sessions: Sessions,
    response: Response,
    where: Where,
    session: Session | None,
    lane: str | None,
    store: bool,
    profile: ProfileFacts,
) -> list[str]:
    name = f"T{response.turn}"
    out: list[str] = []
    stored = is_stored(sessions, response, profile)
    turn = sessions.turn(response.turn)
    if turn is not None and turn.store and response.store is False:
        out.append(
            f"The server did not store {name} although it was asked to: it lives and dies with its socket."
        )
    if store and not stored and where is Where.MEMORY:
        out.append(f"{name} was not stored: some servers refuse to store a turn that goes on from it.")
    if where is Where.MEMORY and not stored and response.lane != lane and session is not None:
        out.append(
            f"This is a fork from {lane_name(response.lane)} and nothing is stored: wait for its "
            f"response.in_progress before {lane_name(response.lane)} moves on."
        )
    if turn is not None and any(steer.state in ("accepted", "pending") for steer in turn.steers):
        out.append(f"A steer of {name} waits: the server puts its text first, so do not repeat it.")
    return out


def _about_calls(
    response: Response,
    verdict: _Verdict,
    warnings: list[str],
    answers: Collection[str] | None,
    *,
    is_own_lane: bool,
) -> _Verdict:
    missing = [item for item in response.pending_calls if item.answer_id not in (answers or ())]
    if not missing or verdict.where not in (Where.MEMORY, Where.STORED):
        return verdict
    named = Counter(item.name or item.type for item in missing)
    names = ", ".join(f"{name} x{many}" if many > 1 else name for name, many in list(named.items())[:3])
    more = f" and {len(named) - 3} more" if len(named) > 3 else ""
    count = "1 call" if len(missing) == 1 else f"{len(missing)} calls"
    verb = "waits" if len(missing) == 1 else "wait"
    warning = (
        f"{count} of T{response.turn} {verb} for an answer ({names}{more}): all answers go into one frame, "
        "or the server refuses it"
    )
    evicts = is_own_lane and verdict.where is Where.MEMORY
    warnings.append(warning + (f" and forgets T{response.turn}." if evicts else "."))
    if answers is None:
        return verdict
    return verdict._replace(
        works=False,
        sentence=f"The server will refuse this with 400: {count} of T{response.turn} {verb} for an answer.",
    )


def _about_queue(
    sessions: Sessions,
    response: Response,
    verdict: _Verdict,
    warnings: list[str],
    session: Session | None,
    lane: str | None,
    profile: ProfileFacts,
) -> _Verdict:
    if session is None or response.session != session.number:
        return verdict
    if verdict.where is Where.RUNNING and response.lane == lane and profile.in_flight == "queue":
        return verdict._replace(
            works=None,
            sentence=f"T{response.turn} is still running: on its own lane this create waits until it has "
            "ended, and whether the parent is looked up then or now is not documented.",
        )
    ahead = first_ahead(session, response.lane, profile)
    if verdict.where is not Where.MEMORY or not ahead or is_stored(sessions, response, profile):
        return verdict
    running = f"T{ahead}"
    if response.lane == lane or not profile.lanes:
        return verdict._replace(
            works=None,
            sentence=f"{running} goes first; once it has ended the memory holds it "
            f"instead of T{response.turn}, so this may come too late.",
        )
    warnings.append(
        f"{running} runs on {lane_name(response.lane)} and takes the place of T{response.turn} when it ends."
    )
    return verdict


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
