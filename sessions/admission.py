"""Whether a socket takes a create now: its lanes and their queues, its age, errors that came before.

Its one rule: it looks at the socket only; where the parent is belongs to `continuation`.
Facts: the WebSocket mode guide for lanes, queues and limits; vendors' pages through `ProfileFacts`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from sessions.contract import LANE_PATTERN, MAX_IN_FLIGHT, MAX_LANES
from sessions.profile import OPENAI, ProfileFacts
from sessions.session import Session, remaining

NEAR_LIMIT_SECONDS = 600.0
LAST_SECONDS = 120.0
_LANE = re.compile(LANE_PATTERN)


class Admission(NamedTuple):
    """What the socket will do to a create, apart from its parent."""

    refusal: str = ""  #: why it certainly fails; "" when it does not
    warnings: tuple[str, ...] = ()


def admission(
    session: Session | None,
    lane: str | None,
    *,
    profile: ProfileFacts = OPENAI,
    now: float | None = None,
    model: str = "",
) -> Admission:
    """Whether this socket takes a create on this lane now; None stands for a socket yet to be opened.

    `now` is recording time in seconds, None to leave the age limit out.
    """
    warnings: list[str] = []
    if session is not None and session.is_http:
        return _over_http(session, lane)
    if lane is not None and not _LANE.fullmatch(lane):
        return Admission("This is no lane name: 1 to 256 of A-Z a-z 0-9 _ . - are allowed.")
    if lane is not None and not profile.lanes:
        warnings.append(
            f"{profile.name} documents no lanes: stream_id may be refused, or taken and not echoed."
        )
    if session is None:
        opening = "No socket is open: a new one comes first, and a new one remembers nothing."
        return Admission("", (opening, *warnings))
    refusal = _refusal(session, lane, profile, now)
    warnings += _queue(session, lane, profile)
    warnings += _age(session, now)
    warnings += _model(session, model, profile)
    return Admission(refusal, tuple(warnings))


def _over_http(session: Session, lane: str | None) -> Admission:
    """HTTP knows no lanes, no age and no limit of requests; a lane is one request at a time on this side."""
    used = session.lanes.get(lane)
    running = used.open.turn if used is not None and used.open is not None else 0
    waiting = used.waiting[0].number if used is not None and used.waiting else 0
    if not (running or waiting):
        return Admission()
    return Admission(
        f"T{running or waiting} is running on {lane_name(lane)}: over HTTP a lane carries one request at a "
        "time. Wait for it, stop it, or use another lane."
    )


def first_ahead(session: Session, lane: str | None, profile: ProfileFacts = OPENAI) -> int:
    """The number of the turn that a create on this lane has to wait for first; 0 when there is none."""
    for one in session.lanes.values():
        if one.id == lane or not profile.lanes:
            if one.open is not None:
                return one.open.turn
            if one.waiting:
                return one.waiting[0].number
    return 0


def lane_name(lane: str | None) -> str:
    """A lane as sentences call it."""
    return "the default lane" if lane is None else f"lane {lane}"


def _refusal(session: Session, lane: str | None, profile: ProfileFacts, now: float | None) -> str:
    if session.errors and profile.socket_after_error == "dead":
        return f"An error came on this socket, and {profile.name} answers nothing after one: open a new one."
    if now is not None and session.opened >= 0 and remaining(session, now) <= 0:
        return "The age limit of this socket has passed: open a new one first."
    if profile.in_flight == "reject" and first_ahead(session, lane, profile):
        return f"A response is running, and {profile.name} refuses a second create meanwhile."
    is_new = profile.lanes and lane is not None and lane not in session.lanes
    if is_new and session.named_lanes >= MAX_LANES:
        return f"This socket has used {MAX_LANES} lane names, which is the limit: use one of them again."
    return ""


def _queue(session: Session, lane: str | None, profile: ProfileFacts) -> list[str]:
    if profile.in_flight == "reject":
        return []
    if ahead := first_ahead(session, lane, profile):
        name = lane_name(lane) if profile.lanes else "this socket"
        return [f"{name[:1].upper()}{name[1:]} is busy with T{ahead}: this create waits its turn."]
    if len(session.live) + session.waiting >= MAX_IN_FLIGHT:
        return [f"{MAX_IN_FLIGHT} responses are in flight, which is the limit: this create waits its turn."]
    return []


def _age(session: Session, now: float | None) -> list[str]:
    left = remaining(session, now) if now is not None and session.opened >= 0 else None
    if left is None or not 0 < left <= NEAR_LIMIT_SECONDS:
        return []
    amount = f"{left:.0f} seconds" if left < LAST_SECONDS else f"{left / 60:.0f} minutes"
    return [f"This socket ends in {amount}: whether an answer may run past the limit is not documented."]


def _model(session: Session, model: str, profile: ProfileFacts) -> list[str]:
    first = next((turn.model for turn in session.turns if turn.model), "")
    if not profile.is_model_fixed or not model or first in ("", model):
        return []
    return [f"{profile.name} keeps the first model of a socket, {first}: {model} may be refused here."]
