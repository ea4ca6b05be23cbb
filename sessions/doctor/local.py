"""Group A: what can be said about address, key, route and first frame before anything is sent.

Its one rule: nothing is opened and nothing is resolved.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from fnmatch import fnmatch
from importlib.metadata import version as installed
from typing import Literal

from sessions import redact
from sessions.doctor.bench import Bench
from sessions.doctor.check import Cost, check
from sessions.doctor.result import Verdict, failed, passed, told, warned
from sessions.findings.catalogue import Who
from sessions.lint import lint
from sessions.profiles import built_in_profiles
from sessions.wire.endpoint import Endpoint
from sessions.wire.route import bypass_rule
from sessions.wire.upgrade import MAX_MESSAGE_BYTES
from sessions.wire.websocket import PING_SECONDS

#: fields of other faces, which SDKs leak into the frame; the API refuses or ignores them
_NOT_WIRE_FIELDS = frozenset(
    {"stream", "background", "timeout", "extra_headers", "extra_query", "extra_body", "api_key", "base_url"}
)
_ROUTE_END = "/responses"
#: the smallest limit for a received message that does not cut long answers
_LEAST_RECEIVED_BYTES = 16 * 1024 * 1024


@check("A01", "how clients derive the address", Cost.LOCAL)
async def address(bench: Bench) -> Verdict:
    """Derives the socket's URL, and once more by replacing "http" everywhere, as some SDK versions do."""
    endpoint = bench.plan.endpoint
    replaced = endpoint.http_url.replace("http", "ws")
    if replaced == endpoint.url or endpoint.unix:
        return passed(_shown(bench, endpoint.url))
    return warned(
        f"{_shown(bench, endpoint.url)} would become {_shown(bench, replaced)}",
        "Some SDK versions replace every `http` in the URL, the query's too: give them the WebSocket base "
        "URL explicitly.",
        Who.CLIENT,
    )


@check("A02", "shape of the path", Cost.LOCAL)
async def path_shape(bench: Bench) -> Verdict:
    """Reads the path: /v1 once, nothing behind /responses, no query that swallowed a path."""
    endpoint = bench.plan.endpoint
    path, _, query = endpoint.target.partition("?")
    odd = []
    if len(re.findall(r"/v1(?=/|$)", path)) > 1:
        odd.append("/v1 stands twice")
    if "//" in path:
        odd.append("there is an empty path segment")
    if path.count(_ROUTE_END) > 1:
        odd.append("/responses stands twice")
    if not path.endswith(_ROUTE_END):
        odd.append("it does not end in /responses")
    if "/v1" not in path and "/codex" not in path:
        odd.append("there is no /v1")
    if _ROUTE_END in query:
        odd.append("the route stands in the query")
    if not odd:
        return passed(path)
    return warned(f"{path}: {', '.join(odd)}", f"Expected …/v1/responses; got {path}.", Who.CLIENT)


@check("A03", "encryption on the way", Cost.LOCAL)
async def clear_text(bench: Bench) -> Verdict:
    """Looks whether the key would travel in clear text to another machine."""
    endpoint = bench.plan.endpoint
    if endpoint.tls or endpoint.unix:
        return passed("wss" if endpoint.tls else "a unix socket")
    if endpoint.is_loopback:
        return passed("not encrypted, but it does not leave this machine")
    remedy = "The key would travel unencrypted. Use wss:// (https://)."
    if is_private(endpoint):
        return warned(f"{endpoint.authority} in clear text, a private network", remedy, Who.CLIENT)
    return failed(f"{endpoint.authority} in clear text", remedy, Who.CLIENT)


@check("A04", "secrets where they are logged", Cost.LOCAL)
async def secret_in_address(bench: Bench) -> Verdict:
    """Looks for a key in the query, the userinfo and the list of subprotocols."""
    plan = bench.plan
    places = list(redact.url(plan.endpoint.url, plan.secrets).masked)
    if plan.endpoint.userinfo is not None:
        places.append("userinfo")
    for name, value in plan.headers:
        if name.lower() == "sec-websocket-protocol" and redact.header(name, value, plan.secrets).masked:
            places.append("subprotocol")
    if not places:
        return passed("no key in the URL or among the subprotocols")
    return failed(
        f"something like a key in: {', '.join(dict.fromkeys(places))}",
        "Move the key to the Authorization header; URLs and subprotocols are logged.",
        Who.CLIENT,
    )


@check("A05", "which way the proxy settings send it", Cost.LOCAL)
async def proxy_decision(bench: Bench) -> Verdict:
    """Compares the way of this socket with the way that the environment gives HTTP clients."""
    plan, environ = bench.plan, bench.environ
    endpoint, route = plan.endpoint, plan.route
    variable = _variable(environ, "https_proxy" if endpoint.tls else "http_proxy", "all_proxy")
    exceptions = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    rule = bypass_rule(endpoint.host, endpoint.port, exceptions)
    shown = f"{route.text} ({route.source})" if route.is_direct and route.source else route.text
    if endpoint.unix:
        return passed(shown)
    if endpoint.is_loopback and variable and not rule:
        return warned(
            f"WebSocket goes {shown}; HTTP clients that read {variable} send this host into the proxy",
            f"Set NO_PROXY={endpoint.host} so that every client goes the same way.",
            Who.CLIENT,
        )
    other = "" if endpoint.tls or variable else _variable(environ, "https_proxy")
    if other and not rule and not endpoint.is_loopback and route.is_direct:
        return warned(
            f"ws:// goes {shown}: {other} is for encrypted addresses only",
            "HTTP over TLS uses the proxy but this WebSocket goes direct: set HTTP_PROXY or ALL_PROXY too, "
            "or use wss://.",
            Who.CLIENT,
        )
    by_environ = bool(variable) and not rule
    if by_environ and route.is_direct:
        return warned(
            f"WebSocket goes {shown}; HTTP clients go through {variable}",
            "HTTP uses a proxy but WebSocket goes direct: leave --no-proxy out, or unset the variable.",
            Who.CLIENT,
        )
    return passed(shown)


@check("A06", "whom TLS believes", Cost.LOCAL)
async def trust_store(bench: Bench) -> Verdict:
    """Names the source of the certificates that are trusted."""
    trust = bench.plan.trust
    if trust.is_insecure:
        return warned(
            "any certificate is believed (--insecure)",
            "Give the certificate that is missing with --ca instead.",
            Who.CLIENT,
        )
    sources = ["the system's roots"]
    sources += [f"{name}" for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if bench.environ.get(name)]
    if trust.ca:
        sources.append("the file of --ca")
    return told(" and ".join(sources))


@check("A07", "the frame that is sent", Cost.LOCAL)
async def own_frame(bench: Bench) -> Verdict:
    """Lints a create as this profile gets it: flat, with its type, without fields of HTTP or of an SDK."""
    shape = bench.profile.create_shape
    create = bench.create()
    text = bench.framed(create if create.model else create.model_copy(update={"model": "MODEL"}))
    if complaints := complaints_about(text, shape):
        return warned("; ".join(complaints), "Leave these out of the frame.", Who.CLIENT)
    said = f"{shape}, {len(text.encode())} bytes"
    return passed(said) if create.model else told(f"{said}; no model is named")


def complaints_about(text: str, shape: Literal["flat", "nested"]) -> tuple[str, ...]:
    """What is wrong with an outgoing frame, in sentences; empty for one as it should be."""
    complaints = [f"{problem.severity}: {problem.sentence}" for problem in lint(text, shape=shape)]
    with suppress(ValueError, AttributeError):
        body = json.loads(text)
        if foreign := sorted(_NOT_WIRE_FIELDS & {*body, *(body.get("response") or {})}):
            complaints.append(f"not wire fields: {', '.join(foreign)}")
    return tuple(complaints)


@check("A08", "facts of this client", Cost.LOCAL)
async def client_facts(bench: Bench) -> Verdict:
    """Reads versions, compression, the limit of a received message and the interval of pings."""
    compression = "offered" if bench.plan.compression else "off"
    said = (
        f"websockets {installed('websockets')}, compression {compression}, "
        f"receives up to {MAX_MESSAGE_BYTES // 1024 // 1024} MiB, a ping every {PING_SECONDS:g} s"
    )
    if MAX_MESSAGE_BYTES < _LEAST_RECEIVED_BYTES:
        return warned(said, "A small receive limit will cut large final events.", Who.CLIENT)
    return told(said)


@check("A09", "what is known of this provider", Cost.LOCAL)
async def provider_hints(bench: Bench) -> Verdict:
    """Compares the host with the providers that are known, and reads the hints that its address gives."""
    endpoint = bench.plan.endpoint
    profiles = built_in_profiles()
    fitting = next(
        (
            name
            for name, profile in profiles.items()
            if any(fnmatch(endpoint.host, pattern) for pattern in profile.hosts)
        ),
        "",
    )
    known = profiles.get(fitting or bench.plan.profile)
    hints = [*endpoint.hints, *(known.deviations if known is not None else ())]
    name = fitting or bench.plan.profile
    if fitting and fitting != bench.plan.profile:
        return warned(
            f"the host is {fitting}'s, the profile is {bench.plan.profile}",
            f"Use --profile {fitting}, so that its age limit and habits are known.",
            Who.CLIENT,
        )
    return told(f"{name}: {'; '.join(hints)}" if hints else f"{name}: nothing in particular")


def is_private(endpoint: Endpoint) -> bool:
    """Whether a host is in a private network, by its name or address alone."""
    try:
        return ipaddress.ip_address(endpoint.host.partition("%")[0]).is_private
    except ValueError:
        return "." not in endpoint.host or endpoint.host.endswith(
            (".local", ".internal", ".lan", ".home.arpa")
        )


def _variable(environ: Mapping[str, str], *names: str) -> str:
    """The first of these variables that is set, in either spelling; "" when none is."""
    return next((one for name in names for one in (name, name.upper()) if environ.get(one)), "")


def _shown(bench: Bench, url: str) -> str:
    return redact.url(url, bench.plan.secrets).value


CHECKS = (
    address,
    path_shape,
    clear_text,
    secret_in_address,
    proxy_decision,
    trust_store,
    own_frame,
    client_facts,
    provider_hints,
)
