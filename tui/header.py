"""The two lines above everything: where we are connected, and how it goes; at any width; pure.

Its one rule: what is not known is left out, not guessed. Each thing that can be said is a piece with a rank;
which of them are said, and how long, is `fitting`'s business.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.text import Text

from sessions.contract import FAILURES, MAX_IN_FLIGHT, close_meaning
from sessions.reducer import Sessions
from sessions.roster import label
from sessions.session import Phase, Response, Session, Turn, Usage
from tui.cells import cut
from tui.countdown import Urgency, countdown
from tui.figures import (
    bytes_words,
    count_words,
    left_words,
    percentile,
    seconds_words,
    standing,
    standing_style,
)
from tui.fitting import Piece, fit
from tui.marks import Weights
from tui.tally import Tally, tally
from tui.veil import line

QUIET_SECONDS = 5.0  # without a frame: it is said that the model thinks
DEAD_SECONDS = 40.0  # without a pong either: it is said that the socket may be dead
_MIDDLE = 110  # cells from which there is room for what is nice to know
_WIDE = 180  # cells from which everything is told, also what the server did not send
_NARROWEST_URL = 20
NO_END = "NO END"  #: in the place of a phase: nobody knows how it went on


class Surroundings(NamedTuple):
    """What the state of a session does not know: how it is recorded, whether a key is set, which badges."""

    recorded_bytes: int | None = None  #: None: nothing is kept
    is_key_set: bool | None = None
    badges: tuple[str, ...] = ()  #: DEMO, READ-ONLY, INSECURE
    handshake_ms: float | None = None
    is_recording_broken: bool = False
    is_read: bool = False  #: what is shown was recorded by somebody else
    found: Weights = Weights()  #: what is wrong with what is told
    is_last_word: bool = False  #: nothing more comes, and all that came is shown: what is open has no end
    file_problems: int = 0  #: damaged lines of the recording, and what else became of its file


def status_lines(
    sessions: Sessions,
    session: Session | None,
    now: float,
    cells: int,
    surroundings: Surroundings | None = None,
    sums: Tally | None = None,
) -> list[Text]:
    """Both lines, each at most `cells` wide; `now` is recording time in seconds."""
    surroundings = surroundings or Surroundings()
    if session is None:
        first = [Piece(("NOT CONNECTED",), "status--over", 100), *_surrounding_pieces(surroundings)]
        return [fit(first, cells), Text()]
    return [
        fit([*_where(sessions, session, cells, surroundings), *_surrounding_pieces(surroundings)], cells),
        fit(
            [
                *_how(sessions, session, sums or tally(session), now, cells, surroundings),
                *_found(surroundings.found),
            ],
            cells,
        ),
    ]


def overview_lines(
    sessions: Sessions, now: float, cells: int, surroundings: Surroundings | None = None
) -> list[Text]:
    """Both lines about all connections together; `now` is recording time in seconds."""
    known = sessions.sessions.values()
    surroundings = surroundings or Surroundings()
    is_open = sum(1 for one in known if not one.phase.is_over)
    is_cut = bool(is_open) and surroundings.is_last_word
    wrong = sum(1 for one in known if one.phase in (Phase.LOST, Phase.REFUSED))
    live = sum(len(one.live) for one in known)
    how, style = ("open", "status--open") if is_open else ("open", "status--between")
    if is_cut:
        how, style = "without an end", "status--warning"
    first = [Piece((f"{is_open} {how} of {len(known)}",), style, 100)]
    urls = list(dict.fromkeys(one.url for one in known if one.url))
    if urls:
        more = f" and {len(urls) - 1} more" if len(urls) > 1 else ""
        first.append(
            Piece((cut(line(urls[0], 200), 40) + more, line(urls[0], 200) + more), "status--url", 80)
        )
    routes = list(dict.fromkeys(one.route for one in known if one.route))
    if len(routes) == 1:
        first.append(Piece((line(routes[0], 60),), "status--route", 60))
    second = [Piece((f"LIVE {live}" if live else "nothing runs",), "status--live" if live else "", 95)]
    if is_cut:
        second = [Piece(("the recording stopped before",), "status--warning", 95)]
    if wrong:
        second.append(Piece((f"{wrong} lost or refused",), "status--wrong", 90))
    errors = sum(one.errors for one in known)
    if errors > surroundings.found.errors:
        second.append(Piece((f"err {errors}",), "status--wrong", 72))
    count = len(sessions.turns)
    second.append(Piece((f"{count} turn{'' if count == 1 else 's'}",), "", 80))
    for word, size, wire in (
        ("up", sum(one.bytes_out for one in known), sum(one.wire_out for one in known)),
        ("down", sum(one.bytes_in for one in known), sum(one.wire_in for one in known)),
    ):
        short = f"{word} {count_words(size)}"
        forms = (short, f"{short}, {count_words(wire)} on the wire") if wire != size else (short,)
        second.append(Piece(forms, "", 60))
    second += _found(surroundings.found)
    left = [countdown(one, now) for one in known if one.phase is Phase.OPEN and not one.is_http]
    if left and not is_cut:
        nearest = min(left, key=lambda one: one.seconds)
        style = (
            "status--countdown" if nearest.urgency is Urgency.CALM else f"status--countdown-{nearest.urgency}"
        )
        second.append(Piece((f"next limit in {left_words(nearest.seconds)}",), style, 70))
    return [fit([*first, *_surrounding_pieces(surroundings)], cells), fit(second, cells)]


# Line one ----------------------------------------------------------------------------------------------


def _state_piece(session: Session, *, is_last_word: bool) -> Piece:
    phase = session.phase
    if is_last_word and not phase.is_over:
        return Piece((NO_END,), "status--warning", 100)
    style = "status--open" if phase is Phase.OPEN else "status--over" if phase.is_over else "status--between"
    return Piece(_phase_forms(session), style, 100)


def _where(sessions: Sessions, session: Session, cells: int, around: Surroundings) -> list[Piece]:
    route = line(session.route, 120) or "route unknown"
    url = line(session.url, 200) or "(no address yet)"
    pieces = [_state_piece(session, is_last_word=around.is_last_word)]
    if len(sessions.sessions) > 1:
        pieces.append(Piece((label(session),), "status--strong", 70))
    if session.name:
        pieces.append(Piece((line(session.name, 32),), "status--strong", 72))
    short = url.partition("://")[2] or url
    host = cut(short.partition("/")[0], 40)
    pieces.append(Piece((cut(host, _NARROWEST_URL), host, cut(short, 48), cut(url, 100)), "status--url", 95))
    bare = route.partition(" (")[0]
    pieces.append(Piece((cut(bare, 14), bare, route), "status--route", 60))
    if session.latency_ms is not None and cells >= _MIDDLE:
        pieces.append(Piece((f"ping {session.latency_ms:.0f}ms",), "", 45))
    if session.compression not in ("", "off"):
        pieces.append(Piece(("deflate on",), "status--dim", 20))
    elif session.compression and cells >= _WIDE:
        pieces.append(Piece(("deflate off",), "status--dim", 10))
    if session.profile and cells >= _MIDDLE:
        pieces.append(Piece((f"profile {line(session.profile, 24)}",), "status--dim", 15))
    return pieces


def _phase_forms(session: Session) -> tuple[str, ...]:
    """The phase; over HTTP, where nothing stays open between two requests, the way."""
    if not session.is_http:
        return (session.phase.value.upper(),)
    if session.phase is not Phase.OPEN:
        return (f"HTTP {session.phase.value.upper()}",)
    if session.fallback and session.failure_class is not None:
        why = f"HTTP after {session.failure_class.value}"
        return ("HTTP", why, f"{why}, which took {seconds_words(session.fallback_ms / 1000)}")
    return ("HTTP",)


def _surrounding_pieces(around: Surroundings) -> list[Piece]:
    pieces = [Piece((badge,), f"status--badge-{badge.lower()}", 90, is_right=True) for badge in around.badges]
    if around.file_problems:
        short = f"{around.file_problems:,} file problem{'' if around.file_problems == 1 else 's'}"
        pieces.append(Piece((short, f"{short}, ! lists them"), "status--wrong", 91, is_right=True))
    if around.is_recording_broken:
        pieces.append(Piece(("REC FAILED",), "status--wrong", 92, is_right=True))
    elif around.is_read:
        pass
    elif around.recorded_bytes is not None:
        pieces.append(Piece((f"REC {bytes_words(around.recorded_bytes)}",), "status--rec", 55, is_right=True))
    else:
        pieces.append(Piece(("not recorded",), "status--dim", 35, is_right=True))
    if around.is_key_set is not None:
        words = "key set" if around.is_key_set else "no key"
        pieces.append(Piece((words,), "status--dim", 50, is_right=True))
    return pieces


# Line two ----------------------------------------------------------------------------------------------


def _how(
    sessions: Sessions, session: Session, sums: Tally, now: float, cells: int, around: Surroundings
) -> list[Piece]:
    if session.phase.is_over:
        return [*_ending(session, now), *_totals(sums.usage)]
    if around.is_last_word:
        return [*_without_end(session, now, cells, around), *_totals(sums.usage, len(session.turns))]
    if session.opened < 0:
        return [Piece(("opening the connection",), "status--between", 100)]
    pieces = [] if session.is_http else [_countdown_piece(session, now)]
    turn = _told_turn(sessions, session)
    live = session.live
    if len(live) > 1:
        many = f"LIVE {len(live)}"
        pieces.append(Piece((many, f"{many} of {MAX_IN_FLIGHT}"), "status--live", 85))
    if turn is not None:
        pieces.append(_turn_piece(turn, now, cells))
    for other in live[1:] if len(live) > 1 else ():
        words = f"T{other.turn} {_lane_words(other)} {seconds_words(now - other.created)}"
        pieces.append(Piece((words,), "status--live", 18))
    if session.waiting and (live or session.waiting > 1):
        pieces.append(Piece((f"queued {session.waiting}",), "status--between", 75))
    pieces += _activity(session, now, cells, is_busy=bool(live or session.waiting))
    pieces += _speed(sums.first_tokens, turn, now, cells)
    if session.is_http and session.head_ms is not None:
        pieces.append(Piece((f"headers after {session.head_ms:.0f}ms",), "status--dim", 63))
    if session.is_http and turn is None:
        pieces.append(Piece(("no request yet",), "status--between", 98))
    pieces += _totals(sums.usage, len(session.turns))
    pieces += _error_frames(session, around.found)
    pieces += _limits(session, cells)
    if around.handshake_ms is not None and cells >= _WIDE:
        pieces.append(Piece((f"handshake {around.handshake_ms:.0f}ms",), "status--dim", 8))
    return pieces


def _found(found: Weights) -> list[Piece]:
    if not found.words:
        return []
    forms: tuple[str, ...] = (f"! {found.words}",)
    if found.errors and found.warnings:
        forms = (f"! {found.errors + found.warnings} findings", *forms)
    return [Piece(forms, "status--wrong" if found.errors else "status--warning", 73)]


def _countdown_piece(session: Session, now: float) -> Piece:
    left = countdown(session, now)
    style = "status--countdown" if left.urgency is Urgency.CALM else f"status--countdown-{left.urgency}"
    short = left.words.partition(",")[0]
    forms = (short, f"{short} {left.bar(12)}", f"{left.words} {left.bar(12)}")
    return Piece(forms if left.urgency is not Urgency.CALM else forms[:2], style, 98)


def _told_turn(sessions: Sessions, session: Session) -> Turn | None:
    """The turn that line two speaks of: the oldest live one, else the newest."""
    live = session.live
    if live:
        return sessions.turn(live[0].turn)
    return session.turns[-1] if session.turns else None


def _turn_piece(turn: Turn, now: float, cells: int) -> Piece:
    words = f"T{turn.number} {standing(turn)} {seconds_words(max(0.0, turn.duration(now)))}"
    lane = f"lane {line(turn.lane, 20)}" if turn.lane is not None else ""
    longer = f"T{turn.number} {lane} {standing(turn)} {seconds_words(max(0.0, turn.duration(now)))}"
    style = "status--live" if turn.is_live else standing_style(turn).replace("pane--", "status--")
    forms = (words,) if not lane else (longer,) if cells >= _MIDDLE else (words, longer)
    return Piece(forms, style, 88)


def _lane_words(response: Response) -> str:
    return f"lane {line(response.lane, 16)}" if response.lane is not None else "default lane"


def _activity(session: Session, now: float, cells: int, *, is_busy: bool) -> list[Piece]:
    heard = session.last_frame if session.last_frame >= 0 else session.opened
    silent = max(0.0, now - heard)
    ponged = session.last_pong
    pong_age = now - ponged if ponged >= 0 else None
    if session.is_http:
        if is_busy and silent >= QUIET_SECONDS:
            return [Piece((f"silent {seconds_words(silent)}",), "status--between", 84)]
        return []
    if is_busy and silent >= QUIET_SECONDS:
        if pong_age is not None and pong_age < DEAD_SECONDS:
            words = f"thinking {seconds_words(silent)}"
            return [Piece((words, f"{words}, pong {seconds_words(pong_age)} ago"), "status--between", 84)]
        words = f"silent {seconds_words(silent)}"
        told = (
            f"no pong for {seconds_words(pong_age)}: dead?" if pong_age is not None else "no pong yet: dead?"
        )
        if pong_age is None and silent < DEAD_SECONDS:
            return [Piece((words, f"{words}, no pong yet"), "status--between", 84)]
        return [Piece((f"{words}: dead?", f"{words}, {told}"), "status--wrong", 96)]
    if pong_age is not None and pong_age >= DEAD_SECONDS and silent >= DEAD_SECONDS:
        return [Piece((f"no pong for {seconds_words(pong_age)}",), "status--wrong", 80)]
    if cells < _MIDDLE:
        return []
    forms = [f"last frame {seconds_words(silent)} ago"]
    if pong_age is not None and cells >= _WIDE:
        forms.append(f"{forms[0]}, pong {seconds_words(pong_age)} ago")
    return [Piece(tuple(forms), "status--dim", 30)]


def _speed(firsts: Sequence[float], turn: Turn | None, now: float, cells: int) -> list[Piece]:
    pieces = []
    first = turn.time_to_first_token if turn is not None else None
    if first is not None:
        forms = [f"ttft {seconds_words(first)}"]
        if cells >= _WIDE and len(firsts) > 1:
            half, most = percentile(firsts, 0.5), percentile(firsts, 0.95)
            forms.append(f"{forms[0]} p50 {seconds_words(half)} p95 {seconds_words(most)}")
        pieces.append(Piece(tuple(forms), "", 66))
    response = turn.response if turn is not None else None
    speed = response.tokens_per_second(now) if response is not None else None
    if speed is not None:
        pieces.append(Piece((f"{speed:.0f} tok/s",), "", 64))
    return pieces


def _totals(usage: Usage, turns: int = 0) -> list[Piece]:
    """The tokens of the session; of several turns it is said that they are a sum: one turn stands beside."""
    pieces = []
    first = "sum in" if turns > 1 else "in"
    if usage.input_tokens is not None:
        words = f"{first} {count_words(usage.input_tokens)}"
        cached = f"{words} ({count_words(usage.cached_tokens)} cached)" if usage.cached_tokens else ""
        pieces.append(Piece((words, cached) if cached else (words,), "", 62))
    if usage.output_tokens is not None:
        words = f"out {count_words(usage.output_tokens)}"
        thought = usage.reasoning_tokens
        longer = f"{words} ({count_words(thought)} reasoning)" if thought else ""
        pieces.append(Piece((words, longer) if longer else (words,), "", 61))
    return pieces


def _limits(session: Session, cells: int) -> list[Piece]:
    told = [f"{line(name, 32)} {line(value, 32)}" for name, value in list(session.limits.items())[:3]]
    if told:
        return [Piece((f"limits {told[0]}", f"limits {', '.join(told)}"), "status--dim", 28)]
    return [Piece(("limits not sent",), "status--dim", 5)] if cells >= _WIDE else []


def _ending(session: Session, now: float) -> list[Piece]:
    ago = f"{seconds_words(max(0.0, now - session.ended))} ago"
    if session.phase is Phase.REFUSED:
        name = session.failure_class.value if session.failure_class is not None else "refused"
        status = f" {session.status}" if session.status else ""
        cause = FAILURES[session.failure_class][0] if session.failure_class is not None else ""
        if session.closed_by == "tap":
            cause = "The tap itself refused it; no server was asked."
        short = f"refused: {name}{status}"
        return [
            Piece((short, f"{short}. {cause}"), "status--wrong", 98),
            Piece((ago,), "status--dim", 30),
        ]
    lasted = seconds_words(session.ended - session.opened) if session.opened >= 0 else "-"
    if session.is_http:
        said = f": {line(session.close_reason, 60)}" if session.close_reason else ""
        style = "status--between" if session.phase is Phase.CLOSED else "status--wrong"
        return [
            Piece((session.phase.value, f"{session.phase.value}{said}"), style, 98),
            Piece((f"after {lasted}",), "status--dim", 50),
            Piece((ago,), "status--dim", 30),
        ]
    by = f", by the {session.closed_by}" if session.closed_by else ""
    meaning = close_meaning(session.close_code)
    short = f"{session.phase.value} {session.close_code}"
    reason = f": {line(session.close_reason, 60)}" if session.close_reason else ""
    style = "status--wrong" if session.close_code != 1000 else "status--between"
    return [
        Piece((short, f"{short} {meaning}", f"{short} {meaning}{by}{reason}"), style, 98),
        Piece((f"after {lasted}",), "status--dim", 50),
        Piece((ago,), "status--dim", 30),
    ]


def _without_end(session: Session, now: float, cells: int, around: Surroundings) -> list[Piece]:
    """Whoever recorded was killed: nobody knows how it went on."""
    short = "without an end"
    pieces = [Piece((short, f"{short}, the recording stopped before"), "status--warning", 98)]
    if session.opened >= 0:
        pieces.append(Piece((f"after {seconds_words(max(0.0, now - session.opened))}",), "status--dim", 50))
    if live := session.live:
        pieces.append(Piece((f"T{live[0].turn} unfinished",), "status--warning", 88))
    elif session.turns:
        pieces.append(_turn_piece(session.turns[-1], now, cells))
    return [*pieces, *_error_frames(session, around.found)]


def _error_frames(session: Session, found: Weights) -> list[Piece]:
    """How many error frames came, where the findings do not say as much already."""
    if session.errors <= found.errors:
        return []
    return [Piece((f"err {session.errors}",), "status--wrong", 72)]
