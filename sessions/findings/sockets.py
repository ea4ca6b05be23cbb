"""Rules about the socket: how it opened, how it ended, what was running then, who stayed silent."""

from __future__ import annotations

from collections.abc import Iterator

from sessions import facts
from sessions.changes import What
from sessions.contract import AGE_LIMIT, FailureClass, Status, close_meaning
from sessions.findings.seen import Claim, Seen
from sessions.records import Direction, Kind
from sessions.session import Phase, Session, Turn
from sessions.state import State

_SLOW_UPGRADE_MS = 2_000.0
_SILENT_SECONDS = 15.0  # after a create, without any event [CODEX]
_USUAL_IDLE = (60.0, 100.0, 120.0, 300.0)  # nginx and ALB, Cloudflare, ...
_IDLE_MARGIN = 2.0
_CLASSES = {
    FailureClass.DNS: "name-unknown",
    FailureClass.TCP: "port-closed",
    FailureClass.TLS: "tls-failed",
    FailureClass.PROXY_CONNECT: "proxy-failed",
    FailureClass.UNAUTHORIZED: "key-refused",
    FailureClass.FORBIDDEN: "upgrade-forbidden",
    FailureClass.NOT_FOUND: "no-websocket-route",
    FailureClass.UPGRADE_REQUIRED: "websocket-off",
    FailureClass.THROTTLED: "throttled",
    FailureClass.UPGRADE_SILENT: "upgrade-unanswered",
    FailureClass.POLICY_CLOSE: "closed-by-policy",
    FailureClass.PROTOCOL: "not-http",
}
_CLOSES = {
    1000: "closed-normally-in-answer",
    1001: "server-went-away",
    1009: "too-big-close",
    1011: "server-error-close",
    1012: "restart-close",
    1013: "busy-close",
}


def look(seen: Seen) -> Iterator[Claim]:
    """What this record says about its socket."""
    match seen.record.kind:
        case Kind.REFUSED:
            yield from _refused(seen)
        case Kind.OPEN:
            took = facts.quantity(seen.record.meta.get("upgrade_ms"))
            if took is not None and took > _SLOW_UPGRADE_MS:
                yield Claim("upgrade-slow", f"{took / 1000:.1f} s")
        case Kind.CLOSE | Kind.LOST:
            if What.SESSION in {change.what for change in seen.changes} and seen.session.phase.is_over:
                yield from _ended(seen)


def unfinished(state: State, session: Session) -> Iterator[Claim]:
    """What a recording that ended with this session open leaves unanswered."""
    for turn in session.turns:
        if turn.is_live and turn.create >= 0:
            yield from _unanswered(state, session, turn, max(session.last_frame, session.last_pong))


def _refused(seen: Seen) -> Iterator[Claim]:
    session = seen.session
    meta = seen.record.meta
    detail = facts.word(meta.get("detail")) or f"status {session.status}"
    if session.failure_class is FailureClass.FORBIDDEN and meta.get("with_model") == 101:
        yield Claim("model-wanted-in-url", f"{detail}; with ?model= the upgrade was accepted")
    elif session.failure_class is FailureClass.HTTP_STATUS:
        if session.status == 405:
            yield Claim("no-websocket-route", detail)
        else:
            yield Claim("server-failing" if session.status >= 500 else "answered-as-http", detail)
    elif session.failure_class is not None:
        yield Claim(_CLASSES.get(session.failure_class, "not-http"), detail)


def _ended(seen: Seen) -> Iterator[Claim]:
    session, state = seen.session, seen.state
    if session.failure is not None and session.failure.code == AGE_LIMIT:
        yield Claim("age-limit", session.failure.message[:120] or AGE_LIMIT)
        return
    if session.failure_class is FailureClass.POLICY_CLOSE:
        yield Claim(
            "closed-by-policy", f"1008 after {session.ended - session.opened:.2f} s {session.close_reason!r}"
        )
        return
    cut = [turn for turn in session.turns if turn.status is Status.CUT and turn.ended == session.ended]
    silent = seen.record.elapsed - max(session.last_frame, session.opened)
    how = f"{session.close_code} ({close_meaning(session.close_code)}) {session.close_reason[:80]!r}"
    is_theirs = session.closed_by == Direction.SERVER.value
    for turn in cut:
        if not turn.responses or (not is_theirs and session.phase is not Phase.LOST):
            yield from _unanswered(state, session, turn, seen.record.elapsed)
    running = [turn for turn in cut if turn.responses]
    if session.close_code == 1009 and is_theirs:
        yield Claim("too-big-close", how)
    elif is_theirs and (running or (cut and session.close_code != 1000)):
        name = _CLOSES.get(
            session.close_code, "private-close" if session.close_code >= 3000 else "closed-in-answer"
        )
        yield Claim(name, f"{how}, {_what_ran(cut)}", turn=cut[-1].number)
    elif session.phase is Phase.LOST and cut:
        yield Claim(
            "cut-in-answer",
            f"{session.close_reason[:120] or 'no close frame'}, {_what_ran(cut)}",
            turn=cut[-1].number,
        )
    elif (
        session.closed_by == Direction.CLIENT.value
        and session.phase is Phase.CLOSED
        and seen.record.kind is Kind.LOST
    ):
        yield Claim("close-unanswered", "our close frame was not answered")
    limit = next((one for one in _USUAL_IDLE if abs(silent - one) < _IDLE_MARGIN), None)
    if limit is not None and (session.phase is Phase.LOST or is_theirs):
        yield Claim(
            "idle-limit", f"it ended after {silent:.1f} s without a frame, a usual limit is {limit:.0f} s"
        )
    if "pong" in session.close_reason.lower() or "ping timeout" in session.close_reason.lower():
        yield Claim("no-pong", session.close_reason[:120])


def _unanswered(state: State, session: Session, turn: Turn, now: float) -> Iterator[Claim]:
    waited = now - turn.sent
    if turn.responses:
        response = turn.responses[-1]
        is_all_done = bool(response.items) and all(item.done >= 0 for item in response.items)
        if is_all_done or now - session.last_frame >= _SILENT_SECONDS:
            yield Claim(
                "terminal-missing",
                f"T{turn.number} has no terminal event",
                (turn.responses[-1].last,),
                turn.number,
            )
    elif waited >= _SILENT_SECONDS or session.last_pong > turn.sent:
        pongs = " though pongs came" if session.last_pong > turn.sent else ""
        yield Claim(
            "app-silent", f"T{turn.number}: nothing for {waited:.0f} s{pongs}", (turn.create,), turn.number
        )


def _what_ran(cut: list[Turn]) -> str:
    return f"while {', '.join(f'T{turn.number}' for turn in cut[:5])} ran"
