"""One stage of an opening by itself: names, addresses, certificates, what else speaks on a port.

Its one rule: it tells what it saw and decides nothing. Only `accepted_head` sends a key; a request
without a login is sent where it is said, else nothing but handshakes.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from typing import Any, NamedTuple

from sessions.errors import ConnectError
from sessions.source import Clock
from sessions.wire.answer import NotHttp, read_head
from sessions.wire.dial import Dial, Trust, tls_context
from sessions.wire.endpoint import Endpoint
from sessions.wire.plan import Plan
from sessions.wire.upgrade import upgrade

_TRY_SECONDS = 5.0


class Family(NamedTuple):
    """The addresses of one family that a name has, and whether one of them accepts a connection."""

    name: str  #: IPv4 or IPv6
    addresses: tuple[str, ...]
    error: str = ""  #: why the first of them cannot be reached; "" when it can


class Certificate(NamedTuple):
    """A server's certificate, in words."""

    subject: str
    issuer: str
    expires: str
    tls: str  #: version and cipher
    alpn: str


async def resolve(host: str, port: int) -> tuple[Family, ...]:
    """The addresses of a host by family, not yet tried; raises OSError or UnicodeError when it has none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    families = {socket.AF_INET: "IPv4", socket.AF_INET6: "IPv6"}
    return tuple(
        Family(name, tuple(dict.fromkeys(str(one[4][0]) for one in found if one[0] is family)))
        for family, name in families.items()
        if any(one[0] is family for one in found)
    )


async def reach(family: Family, port: int) -> Family:
    """The family with what came of a TCP connection to its first address, dropped at once."""
    try:
        async with asyncio.timeout(_TRY_SECONDS):
            _, writer = await asyncio.open_connection(family.addresses[0], port)
    except TimeoutError:
        return family._replace(error=f"no answer within {_TRY_SECONDS:g} s")
    except OSError as error:
        return family._replace(error=os.strerror(error.errno) if error.errno else str(error))
    writer.transport.abort()
    return family


async def certificate(plan: Plan, clock: Clock, *, protocols: tuple[str, ...] = ("http/1.1",)) -> Certificate:
    """The certificate of a TLS handshake that offers these protocols; raises ConnectError when it fails."""
    context = tls_context(plan.trust)
    context.set_alpn_protocols(list(protocols))
    dial = await _handshake(plan, clock, context)
    return _in_words(dial, dial.certificate)


async def untrusted_certificate(plan: Plan, clock: Clock) -> Certificate:
    """The certificate that is not trusted, read without believing it; raises ConnectError."""
    seen = await _handshake(plan, clock, tls_context(Trust(is_insecure=True)))
    # `ssl` decodes only what it has verified: this leaf, by itself, as its own root.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=seen.leaf)
    try:
        again = await _handshake(plan, clock, context)
    except ConnectError:  # out of date, perhaps
        return _in_words(seen, {})
    return _in_words(again, again.certificate)


async def speaks_http(endpoint: Endpoint, plan: Plan, clock: Clock) -> bool:
    """Whether plain HTTP is answered on an endpoint's port; sends a bare HEAD without a login."""
    plain = Endpoint("", "", endpoint.host, endpoint.port, False, "/")
    try:
        stream = await Dial(plain, plan.route, plan.trust, clock).run(_TRY_SECONDS)
    except ConnectError:
        return False
    try:
        stream.write(f"HEAD / HTTP/1.1\r\nHost: {endpoint.authority}\r\nConnection: close\r\n\r\n".encode())
        async with asyncio.timeout(_TRY_SECONDS):
            await read_head(stream)
    except (NotHttp, OSError, TimeoutError):
        return False
    finally:
        stream.close()
    return True


async def speaks_tls(endpoint: Endpoint, plan: Plan, clock: Clock) -> bool:
    """Whether a TLS handshake succeeds on an endpoint's port, whoever's certificate it has."""
    encrypted = Endpoint("", "", endpoint.host, endpoint.port, True, "/")
    try:
        dial = Dial(encrypted, plan.route, Trust(is_insecure=True), clock)
        stream = await dial.run(_TRY_SECONDS)
    except ConnectError:
        return False
    stream.close()
    return True


async def _handshake(plan: Plan, clock: Clock, context: ssl.SSLContext) -> Dial:
    dial = Dial(plan.endpoint, plan.route, plan.trust, clock, context=context)
    stream = await dial.run(plan.open_timeout_seconds)
    stream.close()
    return dial


def _in_words(dial: Dial, found: dict[str, Any]) -> Certificate:
    return Certificate(
        _name(found.get("subject", ())),
        _name(found.get("issuer", ())),
        str(found.get("notAfter", "")),
        dial.tls,
        dial.alpn,
    )


def _name(parts: Any) -> str:
    """A distinguished name by its most telling part."""
    named = {key: value for part in parts for key, value in part}
    wanted = ("commonName", "organizationName", "organizationalUnitName")
    return next((str(named[key]) for key in wanted if key in named), "")


async def accepted_head(plan: Plan, clock: Clock) -> bytes:
    """What a server answers to an upgrade, as it came and with nothing masked; the socket is dropped.

    Raises ConnectError when it refuses. For looking, never for storing or showing.
    """
    stream = await Dial(plan.endpoint, plan.route, plan.trust, clock).run(plan.open_timeout_seconds)
    try:
        return (await upgrade(stream, plan, plan.open_timeout_seconds)).response
    finally:
        stream.close()
