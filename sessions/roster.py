"""The connections of a recording as a list: one frozen row for each, with its state in words; pure.

Its one rule: a row says what the records say at a moment, in the order of arrival; what is not known is None
or "". It reads the state and sorts, hides and judges nothing.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

from sessions.contract import Status
from sessions.session import Phase, Session, Turn, remaining
from sessions.state import State

SESSION_NAME = re.compile(r"[A-Za-z0-9_.-]{1,32}")  #: what a person may call a session
SILENCE_SECONDS = 30.0  # from here on a lost connection is said to have been silent before
_FAILED = (Status.ERRORED, Status.FAILED, Status.CUT)


class Mood(StrEnum):
    """How a connection is, for a face that colours it; its words say the same."""

    BETWEEN = "between"  #: opening or closing
    BUSY = "busy"  #: something runs
    IDLE = "idle"
    WAITING = "waiting"  #: for somebody's answers
    OVER = "over"  #: ended as agreed
    CUT = "cut"  #: nobody knows how it went on: whoever recorded stopped before it ended
    WRONG = "wrong"


class Row(NamedTuple):
    """One connection at one moment; times are seconds of recording time, sizes are bytes."""

    number: int
    label: str  #: `c4`, or `h4` for an HTTP exchange
    client: str  #: what the client calls itself; remote text
    name: str  #: what a person called it
    opened: float | None
    age: float | None  #: how long it has been open, or was
    lifetime: float
    left: float | None  #: until its age limit; None when it has ended or has none
    lanes: int
    live: int
    turns: int
    errors: int
    bytes_in: int
    bytes_out: int
    wire_in: int  #: as they crossed the wire: compressed where they were
    wire_out: int
    state: str
    mood: Mood
    quiet: float | None  #: since the server said something; None when it has ended or said nothing
    pair: str  #: the client's own id, the same for all connections of one run of it
    thread: str
    is_open: bool
    is_http: bool


def roster(state: State, now: float, *, is_last_word: bool = False) -> tuple[Row, ...]:
    """All connections in the order of arrival; `now` is recording time in seconds.

    `is_last_word`: nothing more comes and all that came is known, so that what is open has no end.
    """
    return tuple(row(session, now, is_last_word=is_last_word) for session in state.sessions.values())


def row(session: Session, now: float, *, is_last_word: bool = False) -> Row:
    """One connection; `now` is recording time in seconds, `is_last_word` as for `roster`."""
    words, mood = standing(session, is_last_word=is_last_word)
    is_open = session.phase in (Phase.OPEN, Phase.CLOSING) and not is_last_word
    end = session.ended if session.ended >= 0 else now
    was_open = session.opened >= 0
    return Row(
        session.number,
        label(session),
        session.client,
        session.name,
        session.opened if was_open else None,
        max(0.0, end - session.opened) if was_open else None,
        session.lifetime,
        remaining(session, now) if is_open and not session.is_http else None,
        len(session.lanes),
        0 if is_last_word else len(session.live),
        len(session.turns),
        session.errors,
        session.bytes_in,
        session.bytes_out,
        session.wire_in,
        session.wire_out,
        words,
        mood,
        max(0.0, now - session.last_frame) if is_open and session.last_frame >= 0 else None,
        session.pair,
        session.thread,
        is_open,
        session.is_http,
    )


def label(session: Session) -> str:
    """The short name of a connection: `c4`, or `h4` for an HTTP exchange."""
    return f"{'h' if session.is_http else 'c'}{session.number}"


def standing(session: Session, *, is_last_word: bool = False) -> tuple[str, Mood]:
    """Where a connection stands, in words, and its mood; `is_last_word` as for `roster`."""
    if is_last_word and not session.phase.is_over:
        within = f" in T{session.live[0].turn}" if session.live else ""
        return f"without an end{within}", Mood.CUT
    match session.phase:
        case Phase.OPENING:
            return "opening", Mood.BETWEEN
        case Phase.CLOSING:
            return "closing", Mood.BETWEEN
        case Phase.REFUSED:
            failure = session.failure_class.value if session.failure_class is not None else ""
            return f"refused {session.status or failure}".rstrip(), Mood.WRONG
        case Phase.LOST:
            return _lost(session), Mood.WRONG
        case Phase.CLOSED:
            return _closed(session)
        case Phase.OPEN:
            return _open(session)


def _lost(session: Session) -> str:
    if session.is_http:
        return "broke off"
    heard = max(session.last_frame, session.opened)
    silent = session.ended - heard
    is_silent = heard >= 0 and silent >= SILENCE_SECONDS
    return f"1006 after {silent:.0f}s of silence" if is_silent else "1006 lost"


def _closed(session: Session) -> tuple[str, Mood]:
    if session.is_http:
        turn = session.turns[-1] if session.turns else None
        failed = turn is not None and turn.status in _FAILED
        is_wrong = failed or session.status >= 400
        words = f"T{turn.number} {turn.status.value}" if turn is not None else session.method
        return f"{words} {session.status or ''}".strip(), Mood.WRONG if is_wrong else Mood.OVER
    by = f" by the {session.closed_by}" if session.closed_by else ""
    is_wrong = session.close_code not in (1000, 1001)
    return f"closed {session.close_code}{by}", Mood.WRONG if is_wrong else Mood.OVER


def _open(session: Session) -> tuple[str, Mood]:
    live = session.live
    if len(live) > 1:
        return f"{len(live)} lanes live", Mood.BUSY
    if live:
        word = "streaming" if live[0].first_item >= 0 or live[0].first_token >= 0 else "thinking"
        return f"{word} T{live[0].turn}", Mood.BUSY
    turn = session.turns[-1] if session.turns else None
    if session.waiting:
        newest = f"T{turn.number} sent" if turn is not None else "sent"
        return newest, Mood.BUSY
    if turn is None:
        is_asked = session.is_http and not session.spans_requests
        return ("waiting for the answer", Mood.BUSY) if is_asked else ("idle", Mood.IDLE)
    if waiting := _turn_with_calls(session):
        return f"waiting for tool outputs T{waiting.number}", Mood.WAITING
    if turn.status in _FAILED:
        return f"idle, T{turn.number} failed", Mood.WRONG
    return ("idle after warm-up" if turn.is_warmup else f"idle after T{turn.number}"), Mood.IDLE


def _turn_with_calls(session: Session) -> Turn | None:
    """The newest turn of a lane whose calls nobody has answered yet."""
    heads = {lane.head.turn for lane in session.lanes.values() if lane.head and lane.head.pending_calls}
    if not heads:
        return None
    return next((turn for turn in reversed(session.turns) if turn.number in heads), None)
