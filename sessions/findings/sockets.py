"""Rules about the socket: how it ended, what was running then, who stayed silent."""

from __future__ import annotations

from collections.abc import Iterator

from sessions import facts
from sessions.changes import What
from sessions.contract import AGE_LIMIT, FailureClass, Status, close_meaning
from sessions.findings.entry import Who
from sessions.findings.seen import Claim, Seen
from sessions.records import Direction, Kind
from sessions.session import Phase, Session, Turn
from sessions.state import State

_SILENT_SECONDS = 15.0  # after a create, without any event [CODEX]
_SETTLED_SECONDS = 1.5  # after the last item, without the event that ends the response
_USUAL_IDLE = (60.0, 100.0, 120.0, 300.0)  # nginx and ALB, Cloudflare, ...
_IDLE_MARGIN = 2.0
_AGE_MARGIN = 5.0
_BIG_BYTES = 1 << 20
_PING_WORDS = ("pong", "ping timeout", "keepalive")  # of a close reason that speaks of pings
_NEIGHBOURS = 64  # turns of a session among which an answer on another lane is looked for
_SAME_MOMENT, _SEVERAL = 1.0, 3  # seconds and sockets, to say that they died together
_TOO_BIG = 1009
_CLIENT_LEFT = "The client ended it itself: look at its timeouts and its log, unless a person stopped it."
_CLOSES = {
    1000: "closed-normally-in-answer",
    1001: "server-went-away",
    _TOO_BIG: "too-big-close",
    1011: "server-error-close",
    1012: "restart-close",
    1013: "busy-close",
}
_QUIET_CLOSES = (1000, 1001, 1005)  # of a socket on which nothing runs: nobody's fault


def look(seen: Seen) -> Iterator[Claim]:
    """What this record says about its socket."""
    match seen.record.kind:
        case Kind.TEXT:
            return
        case Kind.LOST if "exchange" in seen.record.meta:
            yield from _exchange_lost(seen)
        case Kind.CLOSE | Kind.LOST:
            if seen.record.kind is Kind.CLOSE:
                yield from _code(seen)
            if What.SESSION in {change.what for change in seen.changes} and seen.session.phase.is_over:
                yield from _ended(seen)
        case Kind.NOTE | Kind.PING | Kind.PONG:
            yield from _noted(seen)


def unfinished(state: State, session: Session) -> Iterator[Claim]:
    """What a recording that ended with this session open leaves unanswered."""
    for turn in session.turns:
        if turn.is_live and turn.create >= 0:
            yield from _unanswered(session, turn, max(session.last_frame, session.last_pong))


def _code(seen: Seen) -> Iterator[Claim]:
    """A close frame whose code no close frame may carry."""
    payload = seen.record.payload
    if len(payload) < 2:
        return
    code = int.from_bytes(payload[:2], "big")
    if code < 1000 or code in (1004, 1005, 1006, 1015) or 1016 <= code < 3000 or code >= 5000:
        who = "our" if seen.record.direction is Direction.CLIENT else "the server's"
        yield Claim("close-code-invalid", f"{who} close frame says {code}: {close_meaning(code)}")


def _noted(seen: Seen) -> Iterator[Claim]:
    session, meta = seen.session, seen.record.meta
    note = meta.get("note") if seen.record.kind is Kind.NOTE else ""
    manners = seen.memory.manners(session.number)
    if note == "pong_overdue":
        manners.overdue = True
        waited = facts.quantity(meta.get("s")) or 0.0
        yield Claim("no-pong", f"a ping has waited {waited:.1f} s for its pong")
    elif note == "close_unanswered":
        waited = facts.quantity(meta.get("s")) or 0.0
        yield Claim("close-unanswered", f"our close frame was not answered within {waited:.0f} s")
    elif note == "end":
        yield from _stream_complete(seen)
    elif note in ("", "latency"):
        if note or (seen.record.kind is Kind.PONG and seen.record.direction is Direction.SERVER):
            manners.overdue = False
        for turn in session.turns[-1:]:
            if turn.is_live and turn.create >= 0 and not turn.responses:
                yield from _unanswered(session, turn, seen.record.elapsed)


def _ended(seen: Seen) -> Iterator[Claim]:
    session = seen.session
    if session.is_http:
        yield from _stream_ended(seen)
        return
    cut = [turn for turn in session.turns if turn.status is Status.CUT and turn.ended == session.ended]
    is_theirs = session.closed_by == Direction.SERVER.value
    is_lost = session.phase is Phase.LOST
    if session.failure is not None and session.failure.code == AGE_LIMIT:
        yield Claim("age-limit", session.failure.message[:120] or AGE_LIMIT)
        return
    if session.failure_class is FailureClass.POLICY_CLOSE:
        waited = session.ended - session.opened
        yield Claim("closed-by-policy", f"1008 after {waited:.2f} s {session.close_reason[:80]!r}")
        return
    if _is_about_pings(seen):  # what ran was cut by that, and by nothing else
        if not seen.memory.manners(session.number).overdue:
            yield Claim("no-pong", f"{session.close_reason[:120]}{_what_ran(cut)}")
        return
    age = session.ended - session.opened
    if (is_theirs or is_lost) and session.opened >= 0 and abs(age - session.lifetime) < _AGE_MARGIN:
        yield Claim("age-limit", f"it ended {age:.0f} s after it had opened, without an error that says so")
    if is_theirs:
        yield from _closed(seen, cut)
        yield from _idle(seen)
    elif is_lost and facts.ender(seen.record.meta):
        yield from _left(seen, cut)
    elif is_lost:
        idle = [*_idle(seen)]
        unanswered = [claim for turn in cut if not turn.responses for claim in _silence(seen, turn)]
        yield from idle
        yield from _lost(seen, cut, unanswered if not idle else [])
    else:
        if session.close_code == _TOO_BIG and session.closed_by == Direction.CLIENT.value:
            yield _too_big_for_client(session, cut)
            return
        for turn in cut:
            yield from _unanswered(session, turn, seen.record.elapsed)


def _is_about_pings(seen: Seen) -> bool:
    """Whether the socket ended because a ping, of either side, was not answered in time."""
    reason = seen.session.close_reason.lower()
    return seen.memory.manners(seen.session.number).overdue or any(word in reason for word in _PING_WORDS)


def _silence(seen: Seen, turn: Turn) -> Iterator[Claim]:
    return _unanswered(seen.session, turn, seen.record.elapsed)


def _too_big_for_client(session: Session, cut: list[Turn]) -> Claim:
    """The client refused a message of the server for its size."""
    said = f"the client closed with 1009 {session.close_reason[:80]!r}, the largest message had "
    return Claim(
        "too-big-close",
        f"{said}{session.largest:,} bytes{_what_ran(cut)}",
        turn=cut[-1].number if cut else 0,
        who=Who.CLIENT,
        remedy="Raise the client's limit for incoming messages (Python websockets: max_size=None).",
    )


def _closed(seen: Seen, cut: list[Turn]) -> Iterator[Claim]:
    session = seen.session
    code = session.close_code
    how = f"{code} ({close_meaning(code)}) {session.close_reason[:80]!r}"
    odd = seen.memory.manners(session.number).odd_frame
    if odd >= 0:
        yield Claim("frame-kills-socket", f"after a message that it did not take: {how}", (odd,))
    elif code in (_TOO_BIG, 1013):
        yield Claim(_CLOSES[code], f"{how}{_what_ran(cut)}", turn=cut[-1].number if cut else 0)
    elif any(turn.responses for turn in cut) or (cut and code != 1000 and (code in _CLOSES or code >= 3000)):
        name = _CLOSES.get(code, "private-close" if code >= 3000 else "closed-in-answer")
        yield Claim(name, f"{how}{_what_ran(cut)}", turn=cut[-1].number)
    elif cut:
        yield Claim("closed-without-answer", f"{how}{_what_ran(cut)}", (cut[-1].create,), cut[-1].number)
    elif code not in _QUIET_CLOSES and not session.errors:
        yield Claim("closed-while-idle", how)


def _lost(seen: Seen, cut: list[Turn], unanswered: list[Claim]) -> Iterator[Claim]:
    session, manners = seen.session, seen.memory.manners(seen.session.number)
    how = session.close_reason[:120] or "no close frame"
    if manners.odd_frame >= 0:
        yield Claim(
            "frame-kills-socket", f"after a message that it did not take: {how}", (manners.odd_frame,)
        )
    elif cut and not cut[-1].responses and manners.sent_bytes > _BIG_BYTES:
        said = f"after a message of {manners.sent_bytes:,} bytes: {how}"
        yield Claim("too-big-hidden", said, (manners.sent_frame,), cut[-1].number)
    elif unanswered:
        yield from unanswered
    elif cut:
        yield Claim("cut-in-answer", f"{how}{_what_ran(cut)}", turn=cut[-1].number)
    lost = seen.memory.lost
    at = seen.record.elapsed
    lost[:] = [one for one in lost if at - one[0] <= _SAME_MOMENT][-_SEVERAL:]
    lost.append((at, session.number, seen.number))
    if len({number for _, number, _ in lost}) >= _SEVERAL:
        said = f"{len(lost)} connections ended within {at - lost[0][0]:.1f} s"
        yield Claim("died-together", said, tuple(record for _, _, record in lost))


def _left(seen: Seen, cut: list[Turn]) -> Iterator[Claim]:
    """What the client or the tap ended: only a silence before that is anybody else's."""
    silent = [claim for turn in cut for claim in _silence(seen, turn)]
    yield from silent
    if silent or not cut:
        return
    ran = _what_ran(cut)
    if facts.ender(seen.record.meta) == "tap":
        yield Claim("cut-by-tap", f"the tap was stopped{ran}", turn=cut[-1].number)
    else:
        said = f"{facts.word(seen.record.meta.get('detail'))[:120] or 'the client ended it'}{ran}"
        yield Claim("cut-in-answer", said, turn=cut[-1].number, who=Who.CLIENT, remedy=_CLIENT_LEFT)


def _stream_ended(seen: Seen) -> Iterator[Claim]:
    session = seen.session
    if session.phase is Phase.LOST:
        cut = [turn for turn in session.turns if turn.status is Status.CUT and turn.ended == session.ended]
        if facts.ender(seen.record.meta):
            yield from _left(seen, cut)
            return
        silent = [claim for turn in cut if not turn.responses for claim in _silence(seen, turn)]
        if silent:
            yield from silent
        elif cut:
            said = f"{session.close_reason[:120] or 'the stream broke'}{_what_ran(cut)}"
            yield Claim("cut-in-answer", said, turn=cut[-1].number)


def _stream_complete(seen: Seen) -> Iterator[Claim]:
    """A stream that came to its end as HTTP, although the answer in it had none."""
    turn = seen.turn or (seen.session.turns[-1] if seen.session.turns else None)
    if turn is None or turn.status is not Status.CUT or turn.ended != seen.record.elapsed:
        return
    if turn.responses:
        said = f"the stream ended, T{turn.number} has no terminal event"
        yield Claim("terminal-missing", said, (turn.responses[-1].last,), turn.number)
    elif seen.session.media_type == "text/event-stream":
        said = f"the stream of T{turn.number} ended without a single event"
        yield Claim("stream-empty", said, (turn.create,) if turn.create >= 0 else (), turn.number)


def _exchange_lost(seen: Seen) -> Iterator[Claim]:
    """One of many requests of a session: what a person closed is nobody's fault."""
    turn, meta = seen.turn, seen.record.meta
    if turn is not None and turn.status is Status.CUT and meta.get("by") != Direction.CLIENT.value:
        said = facts.word(meta.get("detail"))[:120] or "the stream broke"
        yield Claim("cut-in-answer", f"{said}{_what_ran([turn])}", turn=turn.number)


def _idle(seen: Seen) -> Iterator[Claim]:
    session = seen.session
    silent = seen.record.elapsed - max(session.last_frame, session.opened)
    limit = next((one for one in _USUAL_IDLE if abs(silent - one) < _IDLE_MARGIN), None)
    if limit is not None:
        said = f"it ended after {silent:.1f} s without a message, a usual limit is {limit:.0f} s"
        yield Claim("idle-limit", said)


def _unanswered(session: Session, turn: Turn, now: float) -> Iterator[Claim]:
    if turn.responses:
        response = turn.responses[-1]
        is_all_done = bool(response.items) and all(item.done >= 0 for item in response.items)
        silent = now - session.last_frame
        if silent >= (_SETTLED_SECONDS if is_all_done else _SILENT_SECONDS):
            said = f"T{turn.number} has no terminal event"
            yield Claim("terminal-missing", said, (response.last,), turn.number)
        return
    waited = now - turn.sent
    heads = [one for one in session.live if one.lane == turn.lane]
    strays = [one for one in session.turns[-_NEIGHBOURS:] if one.is_forced and one.number > turn.number]
    if waited >= _SILENT_SECONDS and not heads and not any(one.lane != turn.lane for one in strays):
        pongs = " though pongs came" if session.last_pong > turn.sent else ""
        said = f"T{turn.number}: nothing for {waited:.0f} s{pongs}"
        yield Claim("app-silent", said, (turn.create,), turn.number)


def _what_ran(cut: list[Turn]) -> str:
    return f", while {', '.join(f'T{turn.number}' for turn in cut[:5])} ran" if cut else ""
