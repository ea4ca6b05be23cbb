"""Group B, the way: from the name to the certificate, each step by itself.

Its one rule: one cause is one failure. A step that stands on a failed one is skipped. The upgrade itself
stands in `upgrade`, whether it holds in `stability`, and what a refused one means in `refused`.
"""

from __future__ import annotations

import ssl
from dataclasses import replace

from sessions.contract import FailureClass
from sessions.doctor.bench import Bench
from sessions.doctor.check import Cost, check
from sessions.doctor.local import is_private
from sessions.doctor.result import Verdict, failed, passed, told, verdict_of, warned
from sessions.doctor.stability import compression, policy_close, stability
from sessions.doctor.upgrade import auth_parity, bare_upgrade, beta_header, handshake_cost, subprotocol
from sessions.errors import ConnectError
from sessions.findings.catalogue import Who
from sessions.fingerprint import Place
from sessions.loopback import is_loopback
from sessions.wire import stages
from sessions.wire.dial import SYSTEM_TRUST, Dial

_EXPIRES_SOON_SECONDS = 7 * 86_400.0


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
    if await stages.speaks_http(endpoint, plan, bench.clock):
        return passed("plain HTTP is answered, as the address says; only the upgrade is not")
    if await stages.speaks_tls(endpoint, plan, bench.clock):
        return failed(
            f"{endpoint.authority} answers TLS where plain HTTP was expected",
            f"This port speaks TLS: use https://{endpoint.authority}.",
            Who.CLIENT,
            FailureClass.PROTOCOL.value,
        )
    return told("neither plain HTTP nor TLS is answered")


def _first_hop(bench: Bench) -> tuple[str, int]:
    plan = bench.plan
    if plan.route.is_direct:
        return plan.endpoint.host, plan.endpoint.port
    return plan.route.host, plan.route.port


def _certificate_owner(bench: Bench) -> Who:
    return Who.PROVIDER if bench.plan.profile in ("openai", "azure", "xai", "codex", "vercel") else Who.PROXY


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
