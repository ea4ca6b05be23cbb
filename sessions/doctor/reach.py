"""Group B, the way: from the name to the 101, each step by itself, and whether it holds.

Its one rule: one cause is one failure. A step that stands on a failed one is skipped; what a refused upgrade
means is told by `refused`.
"""

from __future__ import annotations

import json
import ssl
from dataclasses import replace

from sessions.contract import FailureClass
from sessions.doctor.bench import SLOW_SECONDS, Bench, Knock
from sessions.doctor.check import Cost, check
from sessions.doctor.local import is_private
from sessions.doctor.probes import REFUSAL_SECONDS, SHORT_TURN_TOKENS, findings_of, parentless
from sessions.doctor.result import Verdict, failed, passed, skipped, told, verdict_of, warned
from sessions.errors import ConnectError
from sessions.events import Event
from sessions.findings.catalogue import Who
from sessions.fingerprint import Place
from sessions.loopback import is_loopback
from sessions.records import Kind, Record
from sessions.secret import NO_SECRET
from sessions.wire import stages
from sessions.wire.dial import SYSTEM_TRUST, Dial

BETA = ("OpenAI-Beta", "responses_websockets=2026-02-06")
#: subprotocols that some gateways want
SUBPROTOCOLS = ("openai-beta.responses.v1", "realtime")
_EXPIRES_SOON_SECONDS = 7 * 86_400.0
_TRIES, _FEW_TRIES = 5, 3
_WATCHED, _WATCH_SECONDS = 3, 2.0
_AT_ONCE_SECONDS = 0.5


@check("B01", "the name", Cost.FREE)
async def name_has_address(bench: Bench) -> Verdict:
    """Asks the resolver for the addresses of the endpoint, or of the proxy on the way to it."""
    plan = bench.plan
    if plan.endpoint.unix:
        return passed("a unix socket has no name")
    host, port = _first_hop(bench)
    try:
        families = await stages.resolve(host, port)
    except (OSError, UnicodeError) as error:
        said = getattr(error, "strerror", None) or str(error)
        if plan.route.is_direct:
            return verdict_of(ConnectError(FailureClass.DNS, f"{host}: {said}"))
        return verdict_of(ConnectError(FailureClass.PROXY_CONNECT, f"the proxy's name {host}: {said}"))
    bench.facts.notes["families"] = families
    return passed(", ".join(f"{len(one.addresses)} {one.name}" for one in families))


@check("B02", "the connection", Cost.FREE, needs=("B01",), findings=("name-unknown", "port-closed"))
async def port_accepts(bench: Bench) -> Verdict:
    """Connects by TCP to the first address of each family, and drops the connections."""
    host, port = _first_hop(bench)
    families = bench.facts.notes.get("families", ())
    tried = [await stages.reach(one, port) for one in families]
    dead = [f"{one.name} {one.addresses[0]}: {one.error}" for one in tried if one.error]
    alive = [one.name for one in tried if not one.error]
    if not tried or not dead:
        return passed(f"port {port} by {' and '.join(alive)}" if alive else "a unix socket")
    if not alive:
        is_direct = bench.plan.route.is_direct
        return verdict_of(
            ConnectError(FailureClass.TCP if is_direct else FailureClass.PROXY_CONNECT, "; ".join(dead))
        )
    if is_loopback(host):
        return told(f"only by {' and '.join(alive)}; {'; '.join(dead)}")
    return warned(
        "; ".join(dead),
        f"That route is dead; {' and '.join(alive)} works. Clients that try it first wait in vain.",
        Who.NETWORK,
    )


@check("B06", "the outbound proxy", Cost.FREE, needs=("B02",), findings=("proxy-failed",))
async def proxy_tunnel(bench: Bench) -> Verdict:
    """Asks the proxy for a tunnel to the endpoint and sends nothing through it."""
    plan = bench.plan
    if plan.route.is_direct:
        return told("no outbound proxy on the way")
    plain = replace(plan.endpoint, tls=False)
    try:
        stream = await Dial(plain, plan.route, plan.trust, bench.clock).run(plan.open_timeout_seconds)
    except ConnectError as error:
        bench.suspects.look_at_answer(error.received)
        return verdict_of(error)._replace(findings=proxy_tunnel.findings)
    stream.close()
    return passed(plan.route.text)


@check("B03", "the certificate", Cost.FREE, needs=("B06",), findings=("tls-failed",))
async def certificate_is_trusted(bench: Bench) -> Verdict:
    """One TLS handshake, or a second one that believes anything to read who has signed."""
    plan = bench.plan
    if not plan.endpoint.tls:
        return told("no TLS on this address")
    try:
        found = await stages.certificate(plan, bench.clock)
    except ConnectError as error:
        return await _untrusted(bench, error)
    bench.suspects.look_at(Place.ISSUER, found.issuer)
    said = (
        f"{found.tls}, {found.subject or 'no name'}, issued by {found.issuer or '?'}, until {found.expires}"
    )
    if plan.trust.is_insecure:
        return told(f"{found.tls}; not verified (--insecure)")
    left = ssl.cert_time_to_seconds(found.expires) - bench.clock.wall() / 1e6
    if left < _EXPIRES_SOON_SECONDS:
        return warned(
            f"{said}: {left / 86_400:.1f} days left", "Renew the certificate.", _certificate_owner(bench)
        )
    if plan.trust.ca and not (plan.endpoint.is_loopback or is_private(plan.endpoint)):
        try:
            await stages.certificate(replace(plan, trust=SYSTEM_TRUST), bench.clock)
        except ConnectError:
            return warned(
                f"{said}; only --ca makes it trusted",
                f"Traffic is intercepted by {found.issuer}: add its CA to every client.",
                Who.NETWORK,
                FailureClass.TLS.value,
            )
    return passed(said)


async def _untrusted(bench: Bench, error: ConnectError) -> Verdict:
    if error.failure_class is not FailureClass.TLS or "not trusted" not in error.detail:
        return verdict_of(error)
    try:
        found = await stages.untrusted_certificate(bench.plan, bench.clock)
    except ConnectError:
        return verdict_of(error)
    bench.suspects.look_at(Place.ISSUER, found.issuer)
    issuer = found.issuer or "somebody unknown"
    return failed(
        f"{error.detail}; {found.subject or 'no name'}, issued by {issuer}",
        f"Traffic is intercepted, or signed, by {issuer}: add its CA (--ca, SSL_CERT_FILE).",
        Who.NETWORK,
        FailureClass.TLS.value,
    )._replace(findings=certificate_is_trusted.findings)


@check(
    "B07",
    "the bare upgrade",
    Cost.FREE,
    needs=("B02", "B03", "B06"),
    findings=(
        "key-refused",
        "upgrade-forbidden",
        "upgrade-forbidden-at-times",
        "connection-churn",
        "no-websocket-route",
        "throttled",
        "server-failing",
        "answered-as-http",
        "upgrade-unanswered",
        "not-http",
    ),
)
async def bare_upgrade(bench: Bench) -> Verdict:
    """One upgrade with the key and the headers that were given, closed at once."""
    knock = await bench.knock()
    if knock.error is not None:
        bench.facts.refused = knock.record
        found = findings_of(bench, (knock.record.session,))
        return verdict_of(knock.error)._replace(findings=tuple(one.id for one in found))
    bench.facts.opened = knock.record
    return passed(f"101 in {float(knock.record.meta.get('upgrade_ms', 0)):.0f} ms")


@check("B04", "the choice of HTTP version", Cost.FREE, needs=("B03",), after=("B07",))
async def alpn(bench: Bench) -> Verdict:
    """One TLS handshake that offers HTTP/2 as well, as many clients do."""
    if not bench.plan.endpoint.tls:
        return told("no TLS on this address")
    both = await stages.certificate(bench.plan, bench.clock, protocols=("h2", "http/1.1"))
    if both.alpn != "h2":
        return passed(f"{both.alpn or 'nothing'} is chosen where h2 is offered too")
    if bench.facts.opened is not None:
        return told("h2 is chosen where it is offered; the upgrade works over http/1.1")
    return warned(
        "h2 is chosen where it is offered, and the upgrade fails",
        "Offer only http/1.1 for WebSocket here, or enable extended CONNECT.",
    )


@check("B05", "scheme and port", Cost.FREE, needs=("B02",), after=("B07",))
async def scheme_matches_port(bench: Bench) -> Verdict:
    """Where TLS or HTTP is not understood: tries the other one on the same port."""
    plan, endpoint = bench.plan, bench.plan.endpoint
    if bench.facts.opened is not None or endpoint.unix:
        return passed("as the address says")
    if endpoint.tls:
        try:
            await stages.untrusted_certificate(plan, bench.clock)
        except ConnectError:
            if await stages.speaks_http(endpoint, plan, bench.clock):
                return failed(
                    f"{endpoint.authority} answers plain HTTP where TLS was expected",
                    f"This port speaks plain HTTP: use http://{endpoint.authority}.",
                    Who.CLIENT,
                    FailureClass.TLS.value,
                )
            return told("neither TLS nor plain HTTP is answered")
        return passed("TLS, as the address says")
    refused = bench.facts.refused
    if refused is not None and refused.meta.get("status"):
        return passed("plain HTTP, as the address says")
    if await stages.speaks_tls(endpoint, plan, bench.clock):
        return failed(
            f"{endpoint.authority} answers TLS where plain HTTP was expected",
            f"This port speaks TLS: use https://{endpoint.authority}.",
            Who.CLIENT,
            FailureClass.PROTOCOL.value,
        )
    return told("neither plain HTTP nor TLS is answered")


@check("B12", "the key on both ways", Cost.FREE, needs=("B02", "B03", "B06"), after=("B07",))
async def auth_parity(bench: Bench) -> Verdict:
    """GET models with the same key; and once without it, where the upgrade refuses what this accepts."""
    try:
        answer = await bench.http("GET", "models")
    except ConnectError as error:
        return told(f"GET models is not answered: {error.detail}")
    bench.facts.http_status = answer.status
    refused = _refused(bench)
    upgrade_status = int(refused.meta.get("status", 0)) if refused is not None else 101
    said = f"GET models {answer.status}, upgrade {upgrade_status or 'unanswered'}"
    if answer.status != 200 or upgrade_status not in (401, 403):
        return passed(said) if (answer.status, upgrade_status) == (200, 101) else told(said)
    if cause := bench.facts.notes.get("cause"):
        return told(f"{said}; {cause} says why")
    bare = await bench.http("GET", "models", key=NO_SECRET, headers=bench.headers_without_login())
    if bare.status == 200:
        return told(f"{said}; the list of models is open to anybody, so it says nothing about the key")
    return failed(
        said,
        "The key is fine over HTTP; the WebSocket route checks it otherwise, or a rule refuses it there.",
        Who.PROXY,
        str(refused.meta.get("failure_class", "")) if refused is not None else "",
    )


@check("B16", "the beta header", Cost.FREE, needs=("B02", "B03", "B06"), after=("B07",), is_minor=True)
async def beta_header(bench: Bench) -> Verdict:
    """One more upgrade: with the dated beta header, or without it where it was given."""
    plan = bench.plan
    others = tuple((name, value) for name, value in plan.headers if name.lower() != BETA[0].lower())
    has_it = len(others) < len(plan.headers)
    refused = _refused(bench)
    if _is_silent(refused):
        return skipped("follows from B07: an upgrade is not answered at all")
    toggled = await _knock_twice(bench, others if has_it else (*others, BETA))
    first = "101" if refused is None else str(refused.meta.get("detail", "refused"))
    said = (
        f"{'with' if has_it else 'without'} it {first}, {'without' if has_it else 'with'} it {toggled.words}"
    )
    if bench.rules.sends_beta and not has_it and toggled.is_open:
        bench.plan = replace(plan, headers=(*others, BETA))
    if toggled.is_open == (refused is None):
        return passed(said)
    needs = toggled.is_open != has_it
    if toggled.is_open:
        bench.plan = replace(plan, headers=others if has_it else (*others, BETA))
        bench.facts.opened = toggled.record
    verdict = warned(
        said,
        f"This server {'needs' if needs else 'breaks with'} {BETA[0]}: {BETA[1]}; the provider's SDKs do not "
        "send it.",
    )
    return verdict._replace(makes_up_for=("B07",) if toggled.is_open else ())


@check("B17", "subprotocols", Cost.FREE, needs=("B02", "B03", "B06"), after=("B07",), is_minor=True)
async def subprotocol(bench: Bench) -> Verdict:
    """One more upgrade that offers a subprotocol which some gateways want."""
    if any(name.lower() == "sec-websocket-protocol" for name, _ in bench.plan.headers):
        return skipped("a subprotocol is offered by --header already")
    refused = _refused(bench)
    if _is_silent(refused):
        return skipped("follows from B07: an upgrade is not answered at all")
    if refused is not None and "subprotocol" in str(refused.meta.get("detail")):
        return failed(
            str(refused.meta["detail"]),
            "Select a subprotocol only when the client offers it; clients end such a connection.",
            Who.PROXY,
            FailureClass.PROTOCOL.value,
        )
    for name in SUBPROTOCOLS:
        headers = (*bench.plan.headers, ("Sec-WebSocket-Protocol", name))
        knock = await _knock_twice(bench, headers)
        if refused is None:
            if knock.is_open:
                return passed("none is needed, and offering one does no harm")
            return warned(
                f"offering {name}: {knock.words}", "Ignore subprotocols that are not known; do not refuse."
            )
        if knock.is_open:
            bench.plan = replace(bench.plan, headers=headers)
            bench.facts.opened = knock.record
            return failed(
                f"refused without a subprotocol, accepted with {name}",
                f"Offer the subprotocol {name}; the standard needs none.",
                makes_up_for=("B07",),
            )
    return passed("subprotocols change nothing")


@check(
    "B19",
    "close after the upgrade",
    Cost.FREE,
    needs=("B07",),
    waits_seconds=2.0,
    findings=("closed-by-policy",),
)
async def policy_close(bench: Bench) -> Verdict:
    """Opens a socket, sends nothing and watches it for two seconds; two more where it was closed."""
    first, lasted = await _watched(bench)
    if first is None:
        return passed("it stays open")
    for number in range(2, _WATCHED + 1):
        if (await _watched(bench))[0] is None:
            bench.facts.unsteady += ["closed at once, with nothing sent (B19)"] * (number - 1)
            return told(
                f"{number - 1} of {number} sockets were closed with {_close_words(first)} and nothing sent; "
                f"B20 counts such"
            )
    code = first.meta.get("code", 1006)
    if lasted >= _AT_ONCE_SECONDS:
        bench.facts.notes["idle_seconds"] = lasted
        return failed(
            f"accepted, then closed with {_close_words(first)} after {lasted:.1f} s without a frame",
            "Raise the limit for idle sockets: clients think for minutes between two turns.",
            Who.PROXY,
            FailureClass.CLOSED.value,
            makes_up_for=("B19",),
        )
    return failed(
        f"accepted, then closed with {_close_words(first)} at once",
        f"Accepted, then refused ({code}): check entitlement, path and headers; refuse with an HTTP status "
        "instead, so that clients see the cause.",
        Who.PROXY,
        FailureClass.POLICY_CLOSE.value if code == 1008 else FailureClass.CLOSED.value,
    )


async def _watched(bench: Bench) -> tuple[Record | None, float]:
    """How a socket with nothing sent on it ended within two seconds, and after how many; or None."""
    async with bench.open() as bout:
        await bout.watch(_WATCH_SECONDS)
        ends = [one for one in bout.records if one.kind in (Kind.CLOSE, Kind.LOST)]
        if not bout.is_over or not ends:
            return None, 0.0
        return ends[0], ends[0].elapsed - bout.records[0].elapsed


def _close_words(end: Record) -> str:
    reason = str(end.meta.get("reason") or end.meta.get("detail") or "no reason")
    return f"{end.meta.get('code', 1006)} ({reason})"


@check("B18", "compression", Cost.FREE, needs=("B07", "B19"), after=("B20",), is_minor=True)
async def compression(bench: Bench) -> Verdict:
    """Two sockets, with and without permessage-deflate; a frame that is no JSON on each."""
    agreed = {}
    answers = {}
    for offered in (True, False):
        agreed[offered], answers[offered] = await _junk_answered(bench, offered)
    if agreed[True] != "off" and answers[False] and not answers[True]:
        answers[True] = (await _junk_answered(bench, True))[1]  # that one socket was lost says nothing yet
    bench.capabilities["compression"] = "off" if agreed[True] == "off" else "on"
    if agreed[True] != "off" and answers[False] and not answers[True]:
        return warned(f"{agreed[True]}, but what comes cannot be decoded", "Turn compression off.")
    return passed(str(agreed[True]) if agreed[True] != "off" else "not agreed on")


async def _junk_answered(bench: Bench, is_offered: bool) -> tuple[object, bool]:
    """What was agreed on, and whether a frame that is no JSON is answered by one that can be read."""
    async with bench.open(compression=is_offered) as bout:
        agreed = bout.records[0].meta.get("compression", "off")
        said = await bout.say("{", seconds=REFUSAL_SECONDS)
        return agreed, any(isinstance(event, Event) for event in said)


@check("B20", "the upgrade, five times", Cost.FREE, needs=("B07", "B19"), waits_seconds=4.0,
       turns=1, at_risk=SHORT_TURN_TOKENS)  # fmt: skip
async def stability(bench: Bench) -> Verdict:
    """Five sockets a second apart, each with a create on a parent that does not exist."""
    bad: list[str] = []
    tries = silent = 0
    for number in range(_TRIES if bench.upgrade_seconds <= SLOW_SECONDS else _FEW_TRIES):
        if number:
            await bench.pause(1.0)
        tries += 1
        try:
            async with bench.open() as bout:
                said = await bout.say(parentless(bench), seconds=bench.patience_seconds)
                if not said and bout.is_over:
                    bad.append(bout.ending)
                elif not said:
                    silent += 1
                elif bout.session.turns and bout.session.turns[-1].responses:
                    bench.facts.notes["began_without_parent"] = True
                    break
        except ConnectError as error:
            bad.append(error.detail)
            if error.failure_class is FailureClass.THROTTLED:
                raise
        if silent == tries == 1:
            break  # the next ones would be as silent
    earlier = list(bench.facts.unsteady)
    bench.facts.unsteady += bad
    if silent == tries:
        return told(
            f"a create on a parent that nobody made is not answered within {bench.patience_seconds:g} s"
        )
    bad += ["no answer"] * silent
    began = f"; try {tries} began an answer, no more of them, as each would cost tokens"
    end = began if bench.facts.notes.get("began_without_parent") else ""
    if not bad and not earlier:
        return told(end.lstrip("; ")) if end else passed(f"{tries} of {tries} answered")
    if not bad:
        bad, tries = earlier, tries + len(earlier)
    said_of_all = f"{len(bad)} of {tries} failed: {'; '.join(dict.fromkeys(bad))}{end}"
    remedy = (
        f"Intermittent: {len(bad)} of {tries}. Look at what the proxy dials before its first answer, and "
        "how many sockets it allows."
    )
    return warned(said_of_all, remedy) if len(bad) * 2 < tries else failed(said_of_all, remedy)


@check("B21", "what the upgrade costs", Cost.FREE, needs=("B07",), findings=("upgrade-slow",))
async def handshake_cost(bench: Bench) -> Verdict:
    """Reads the times of the bare upgrade, stage by stage."""
    opened = bench.facts.opened
    if opened is None:
        return skipped("there was no upgrade to time")
    stages_ms = {
        name.removesuffix("_ms"): float(opened.meta[name])
        for name in ("dns_ms", "tcp_ms", "connect_ms", "tls_ms", "upgrade_ms")
        if name in opened.meta
    }
    said = ", ".join(f"{name} {ms:.0f} ms" for name, ms in stages_ms.items())
    if sum(stages_ms.values()) <= SLOW_SECONDS * 1000:
        return told(said)
    slowest = max(stages_ms, key=lambda name: stages_ms[name])
    who = Who.PROXY if slowest in ("upgrade", "connect") else Who.NETWORK
    return warned(said, f"More than {SLOW_SECONDS:g} s, most of it {slowest}: look there first.", who)


def _first_hop(bench: Bench) -> tuple[str, int]:
    plan = bench.plan
    if plan.route.is_direct:
        return plan.endpoint.host, plan.endpoint.port
    return plan.route.host, plan.route.port


def _certificate_owner(bench: Bench) -> Who:
    return Who.PROVIDER if bench.plan.profile in ("openai", "azure", "xai", "codex", "vercel") else Who.PROXY


async def _knock_twice(bench: Bench, headers: tuple[tuple[str, str], ...]) -> Knock:
    """One upgrade with these headers; once more where it fails, unlike the bare one: that may be chance.

    Raises ConnectError when the server throttles.
    """
    knock = await bench.knock(headers=headers)
    if knock.error is not None and _refused(bench) is None:
        if knock.error.failure_class is FailureClass.THROTTLED:
            raise knock.error
        bare = await bench.knock()
        if bare.error is not None:
            raise bare.error
        knock = await bench.knock(headers=headers)
    return knock


def _is_silent(refused: Record | None) -> bool:
    return refused is not None and refused.meta.get("failure_class") == FailureClass.UPGRADE_SILENT


def _refused(bench: Bench) -> Record | None:
    """The refusal of the bare upgrade; None when it was accepted, or a way was found since."""
    return bench.facts.refused if bench.facts.opened is None else None


def has_path(knock: Knock) -> bool:
    """Whether an upgrade found a route, be it that it was refused there."""
    return knock.is_open or knock.status in (401, 429)


def error_code_of(body: str) -> str:
    """The code or type in a JSON body of a refusal, "" when it has none."""
    try:
        error = json.loads(body).get("error", {})
        return str(error.get("code") or error.get("type") or "")
    except (ValueError, AttributeError, RecursionError):
        return ""


CHECKS = (
    name_has_address,
    port_accepts,
    proxy_tunnel,
    certificate_is_trusted,
    bare_upgrade,
)
AFTER_UPGRADE = (
    alpn,
    scheme_matches_port,
    auth_parity,
    beta_header,
    subprotocol,
    policy_close,
    stability,
    compression,
    handshake_cost,
)
