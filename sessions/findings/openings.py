"""Rules about how a connection opened, or did not: its address, who refused it, how often that happens."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from urllib.parse import urlsplit

from sessions import facts
from sessions.contract import FailureClass
from sessions.events import Event, decode
from sessions.findings.entry import Who
from sessions.findings.seen import Claim, Refusal, Seen
from sessions.loopback import is_loopback
from sessions.records import Kind
from sessions.session import Session

_SLOW_UPGRADE_MS = 2_000.0
_PATIENCE_MS = 1_000.0  # of a client; one that leaves sooner was ended by a person, and nobody was slow
_CHURN_OPENS, _CHURN_SECONDS = 8, 60.0  # upgrades that worked before one that did not: one a second is fine
_KEPT_OPENS = 64
_COOLING_SECONDS = 10.0  # between a connection that was lost and a 503 that follows from it
_FALLBACK_TRIES = 2
_FALLBACK_SECONDS = 0.5  # less than that nobody notices
_AGAIN_SECONDS = 5.0  # between a refusal and the same upgrade with ?model=, to call it a second look
_MANY_WORDS = re.compile(r"rate|limit|too.?many|connection|throttl|quota|churn", re.IGNORECASE)
_ORIGIN_WORDS = re.compile(r"\borigin\b|origin_not", re.IGNORECASE)
_BODY_CHARACTERS = 120  # of what came with a refusal that evidence quotes
_SECRET_NAME = re.compile(r"[?&;](?:api[-_]?key|key|(?:access[-_]?)?token|secret)=", re.IGNORECASE)
_ENDED = re.compile(r"without an answer|closed the connection|reset|end of stream", re.IGNORECASE)
_EDGE = re.compile(rb"(?im)^(?:cf-ray|cf-mitigated|server: ?cloudflare|x-akamai[\w-]*|x-sucuri-id)\b")
_DROPPED = "Whoever accepts connections here ended this one: its log tells why; its upstream may be gone."
_BROKEN_101 = "Answer with Upgrade, Connection and the Sec-WebSocket-Accept that belongs to the client's key."
_LOOKED_AT = 8_192  # bytes of a body that its reason is looked for in
_HEAD_END = b"\r\n\r\n"
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


def look(seen: Seen) -> Iterator[Claim]:
    """What this record says about an opening."""
    kind = seen.record.kind
    if "probe_of" in seen.record.meta:
        return  # a second look at what is refused; the refusal itself has been told
    if kind is Kind.TEXT:
        return
    if kind is Kind.OPEN:
        yield from _url(seen)
        if not seen.session.is_http:
            yield from _opened(seen)
    elif kind is Kind.REFUSED:
        yield from _url(seen)
        if not _is_second_look(seen):
            yield from _refused(seen)
        is_given_up = seen.session.failure_class is FailureClass.CLOSED
        if not (seen.session.is_http or is_given_up or facts.ender(seen.record.meta) == "tap"):
            tries = seen.memory.refused.setdefault(_caller(seen.session), [])
            is_forbidden = seen.session.failure_class is FailureClass.FORBIDDEN
            tries.append(Refusal(seen.record.elapsed, seen.number, seen.session.url, is_forbidden))
            del tries[:-_KEPT_OPENS]
    elif kind is Kind.RESPONSE and seen.session.status in (404, 405) and _is_compaction(seen.session):
        yield Claim(
            "compact-missing",
            f"{seen.session.method} {seen.session.target[:80]}: status {seen.session.status}",
        )
    elif kind is Kind.REQUEST and seen.turn is not None and seen.turn.create == seen.number:
        yield from _fell_back(seen)


def _caller(session: Session) -> str:
    """What the connections of one client share."""
    return session.pair or f"{session.client} {session.peer.rpartition(':')[0]}"


def _is_second_look(seen: Seen) -> bool:
    """Whether this is the upgrade that was refused just now, tried once more with ?model= only."""
    session = seen.session
    if session.failure_class is not FailureClass.FORBIDDEN:
        return False
    bare, _, query = session.url.partition("?")
    tries = seen.memory.refused.get(_caller(session), [])
    is_added = query.startswith("model=") and "&" not in query
    return is_added and any(
        one.url == bare and one.is_forbidden and seen.record.elapsed - one.at <= _AGAIN_SECONDS
        for one in tries[-1:]
    )


def _is_compaction(session: Session) -> bool:
    return session.target.partition("?")[0].rstrip("/").endswith("/responses/compact")


def _opened(seen: Seen) -> Iterator[Claim]:
    session = seen.session
    took = facts.quantity(seen.record.meta.get("upgrade_ms"))
    if took is not None and took > _SLOW_UPGRADE_MS:
        yield Claim("upgrade-slow", f"{took / 1000:.1f} s")
    times = seen.memory.opened.setdefault((session.url, _caller(session)), deque(maxlen=_KEPT_OPENS))
    times.append(seen.record.elapsed)
    bare, _, query = session.url.partition("?")
    for one in seen.memory.refused.pop(_caller(session), []):
        if one.is_forbidden and one.url == bare and "model=" in query:
            said = f"refused at {bare[:100]}, accepted with ?{query[:80]}"
            yield Claim("model-wanted-in-url", said, (one.record,))
            break


def _fell_back(seen: Seen) -> Iterator[Claim]:
    """The first POST of a client whose upgrades were refused, unless it was told to use HTTP."""
    tries = seen.memory.refused.pop(_caller(seen.session), [])
    if len(tries) < _FALLBACK_TRIES:
        return
    cost = seen.record.elapsed - tries[0].at
    if cost < _FALLBACK_SECONDS:
        return
    said = f"{len(tries)} refused upgrades; {cost:.1f} s after the first one the turn was sent by POST"
    yield Claim("fallback-slow", said, tuple(one.record for one in tries))


def _url(seen: Seen) -> Iterator[Claim]:
    url = facts.word(seen.record.meta.get("url"))
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return
    if parts.scheme in ("ws", "http") and host and not is_loopback(host) and "tap" not in seen.record.meta:
        yield Claim("unencrypted", f"{parts.scheme}://{host[:100]}")
    if _SECRET_NAME.search(f"?{parts.query}"):
        yield Claim("key-in-url", "a query parameter of the URL is named like a key")


def _refused(seen: Seen) -> Iterator[Claim]:
    session, meta = seen.session, seen.record.meta
    detail = _detail(seen)
    probe = facts.word(meta.get("probe"))
    ender = facts.ender(meta)
    if session.failure_class is FailureClass.CLOSED or session.failure_class is None:
        if ender == "client":
            yield from _given_up(detail, facts.quantity(meta.get("upgrade_ms")))
        return
    if ender == "tap":
        yield Claim("tap-refused", facts.word(meta.get("detail"))[:200])
        return
    match session.failure_class:
        case FailureClass.FORBIDDEN if probe.endswith("was accepted"):
            yield Claim("model-wanted-in-url", f"{detail}; the same with {probe[:100]}")
        case FailureClass.FORBIDDEN if _EDGE.search(seen.record.payload):
            yield Claim("edge-blocked", detail)
        case FailureClass.FORBIDDEN:
            yield _forbidden(seen, detail)
        case FailureClass.HTTP_STATUS:
            if session.status == 405:
                yield Claim("no-websocket-route", detail)
            elif session.status == 503:
                yield Claim("server-unavailable", f"{detail}{_cooling(seen)}")
            else:
                yield Claim("server-failing" if session.status >= 500 else "answered-as-http", detail)
        case FailureClass.PROTOCOL if not seen.record.payload and _ENDED.search(detail):
            yield Claim("upgrade-unanswered", detail, who=Who.PROXY, remedy=_DROPPED)
        case FailureClass.PROTOCOL if session.status == 101:
            yield Claim("not-http", detail, who=Who.PROXY, remedy=_BROKEN_101)
        case failure:
            yield Claim(_CLASSES.get(failure, "not-http"), detail)


def _given_up(detail: str, waited_ms: float | None) -> Iterator[Claim]:
    """An upgrade that the client left before anything answered it."""
    if waited_ms is None:
        yield Claim("upgrade-unanswered", detail)
    elif waited_ms >= _PATIENCE_MS:
        yield Claim("upgrade-unanswered", f"{detail}; it waited {waited_ms / 1000:.1f} s")


def _forbidden(seen: Seen, detail: str) -> Claim:
    """A bare 403, by what happened to the same client at the same address before."""
    session, at = seen.session, seen.record.elapsed
    reason = _reason(seen)
    if _ORIGIN_WORDS.search(reason):
        return Claim(
            "upgrade-forbidden",
            detail,
            who=Who.CLIENT,
            remedy="The body speaks of the Origin header: leave it out, or let the server allow this origin.",
        )
    times = seen.memory.opened.get((session.url, _caller(session)), ())
    many = sum(at - one <= _CHURN_SECONDS for one in times)
    if many >= _CHURN_OPENS and (not reason or _MANY_WORDS.search(reason)):
        first = next(one for one in times if at - one <= _CHURN_SECONDS)
        return Claim("connection-churn", f"{detail}, after {many} upgrades within {at - first:.1f} s")
    if times:
        said = f"{detail}, though the same upgrade was accepted {at - times[-1]:.1f} s before"
        return Claim("upgrade-forbidden-at-times", said)
    return Claim("upgrade-forbidden", detail)


def _reason(seen: Seen) -> str:
    """What the body of a refusal gives as its reason; "" when it names none."""
    body = seen.record.payload.partition(_HEAD_END)[2][:_LOOKED_AT]
    event = decode(body)
    error = event.body.get("error") if isinstance(event, Event) else None
    if not isinstance(error, dict):
        return ""
    return " ".join(part for name in ("code", "message") if (part := facts.word(error.get(name))))


def _detail(seen: Seen) -> str:
    """What is known about a refusal: the words of whoever noted it, and the beginning of what came."""
    session = seen.session
    said = facts.word(seen.record.meta.get("detail"))[:200] or f"status {session.status}"
    body = seen.record.payload.partition(_HEAD_END)[2][: 4 * _BODY_CHARACTERS].decode("utf-8", "replace")
    words = " ".join(body.split())[:_BODY_CHARACTERS]
    return f"{said}: {words}" if words and words[:40] not in said else said


def _cooling(seen: Seen) -> str:
    """Whether a lost connection came right before: then this is what followed from it."""
    lost = seen.memory.lost
    if not lost or seen.record.elapsed - lost[-1][0] > _COOLING_SECONDS:
        return ""
    return (
        f"; {seen.record.elapsed - lost[-1][0]:.1f} s after a connection was lost, so it may only cool down"
    )
