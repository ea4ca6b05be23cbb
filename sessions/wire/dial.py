"""A connected stream to an endpoint, by stages: DNS, TCP, proxy tunnel, TLS; each is timed and fails by name.

Its one rule: whoever refuses is named. What a proxy on the way says is never told as the API's answer.
It sends nothing to the endpoint itself.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

from sessions.contract import FailureClass
from sessions.errors import ConnectError, SettingsError
from sessions.source import Clock
from sessions.version import version
from sessions.wire.answer import NotHttp, read_body, read_head
from sessions.wire.endpoint import Endpoint
from sessions.wire.missing import remedy
from sessions.wire.route import Route
from sessions.wire.stream import ByteStream

Address: TypeAlias = tuple[Any, ...]  # as getaddrinfo gives it and sock_connect takes it
_NO_SOCKS = "a SOCKS proxy needs the package python-socks, which is not installed"
_SOCKS_PACKAGE = "python-socks[asyncio]"


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom TLS believes: the system's roots, plus a file of certificates, or anyone."""

    ca: str = ""
    is_insecure: bool = False


SYSTEM_TRUST = Trust()


def tls_context(trust: Trust) -> ssl.SSLContext:
    """A client's TLS context that offers http/1.1 only, as the WebSocket upgrade does not exist in HTTP/2.

    SSL_CERT_FILE, SSL_CERT_DIR and SSLKEYLOGFILE are honoured by the standard library. Raises SettingsError
    when the file of certificates cannot be read.
    """
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    if trust.ca:
        try:
            context.load_verify_locations(cafile=trust.ca)
        except (OSError, ssl.SSLError) as error:
            said = getattr(error, "strerror", None) or str(error)
            raise SettingsError(f"the certificates in {trust.ca} (--ca) cannot be read: {said}") from None
    if trust.is_insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class Dial:
    """One attempt to reach an endpoint; what it learned can be read after a failure, too."""

    def __init__(
        self,
        endpoint: Endpoint,
        route: Route,
        trust: Trust,
        clock: Clock,
        *,
        context: ssl.SSLContext | None = None,
    ) -> None:
        """`context` takes the place of the one that `trust` gives, towards the endpoint."""
        self.endpoint = endpoint
        self.route = route
        self.trust = trust
        self.timings: dict[str, float] = {}  #: milliseconds by stage: dns_ms, tcp_ms, connect_ms, tls_ms
        self.address = ""  #: the address that accepted: the proxy's where there is one
        self.tls = ""  #: version and cipher towards the endpoint
        self.alpn = ""  #: the protocol that TLS agreed on, "" when it was not asked for or is not known
        self.certificate: dict[str, Any] = {}  #: the endpoint's, as `ssl` decodes it; empty when not verified
        self.leaf = b""  #: the same in DER, verified or not
        self._given_context = context
        self._clock = clock
        self._stage = FailureClass.DNS
        self._stream: ByteStream | None = None

    async def run(self, timeout_seconds: float) -> ByteStream:
        """The stream, ready for the request; raises ConnectError with the class of the stage that failed."""
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self._run()
        except TimeoutError:
            self._drop()
            is_proxy = self._stage is FailureClass.PROXY_CONNECT
            hop = self.route.address if is_proxy else self.endpoint.authority
            raise ConnectError(self._stage, f"{hop} gave no answer within {timeout_seconds:g} s") from None
        except BaseException:
            self._drop()
            raise

    async def _run(self) -> ByteStream:
        endpoint, route = self.endpoint, self.route
        context = self._context() if endpoint.tls or route.scheme == "https" else None
        if endpoint.unix:
            stream = await self._unix()
        elif route.is_direct:
            stream = await self._connect(endpoint.host, endpoint.port)
        elif route.scheme in ("http", "https"):
            stream = await self._tunnel(context)
        else:
            stream = await self._socks()
        if endpoint.tls:
            assert context is not None
            with self._timed("tls_ms", FailureClass.TLS):
                towards = self._given_context or context
                await self._start_tls(stream, towards, endpoint.host.partition("%")[0])
            tls = stream.transport.get_extra_info("ssl_object")
            self.tls = f"{tls.version()} {tls.cipher()[0]}"
            self.alpn = tls.selected_alpn_protocol() or ""
            self.certificate = tls.getpeercert() or {}
            self.leaf = tls.getpeercert(True) or b""
        return stream

    def _context(self) -> ssl.SSLContext:
        try:
            return tls_context(self.trust)
        except SettingsError as error:
            raise ConnectError(FailureClass.TLS, str(error)) from None

    async def _unix(self) -> ByteStream:
        with self._timed("tcp_ms", FailureClass.TCP):
            try:
                _, stream = await asyncio.get_running_loop().create_unix_connection(
                    ByteStream, self.endpoint.unix
                )
            except (OSError, ValueError) as error:
                raise ConnectError(FailureClass.TCP, f"{self.endpoint.unix}: {_said(error)}") from None
        self.address, self._stream = self.endpoint.unix, stream
        return stream

    async def _connect(self, host: str, port: int) -> ByteStream:
        """DNS and TCP to one hop; every address is tried in the resolver's order."""
        is_proxy = not self.route.is_direct
        of_hop = FailureClass.PROXY_CONNECT
        addresses = await self._resolve(host, port)
        failures = []
        with self._timed("tcp_ms", of_hop if is_proxy else FailureClass.TCP):
            for family, address in addresses:
                self.address = _shown(address)
                try:
                    return await self._connect_to(family, address, is_last=address == addresses[-1][1])
                except (OSError, TimeoutError) as error:
                    failures.append(f"{self.address}: {_said(error)}")
            said = "; ".join(failures)
            if is_proxy:
                raise ConnectError(of_hop, f"the proxy {self.route.address} cannot be reached: {said}")
            raise ConnectError(FailureClass.TCP, said)

    async def _connect_to(
        self, family: socket.AddressFamily, address: Address, *, is_last: bool
    ) -> ByteStream:
        loop = asyncio.get_running_loop()
        own = socket.socket(family, socket.SOCK_STREAM)
        try:
            own.setblocking(False)
            # An address that swallows packets must leave time for the next one.
            async with asyncio.timeout(None if is_last else 3.0):
                await loop.sock_connect(own, address)
            _, stream = await loop.create_connection(ByteStream, sock=own)
        except BaseException:
            own.close()
            raise
        self._stream = stream
        return stream

    async def _resolve(self, host: str, port: int) -> list[tuple[socket.AddressFamily, Address]]:
        is_proxy = not self.route.is_direct
        if numeric := _numeric(host, port):
            return numeric
        with self._timed("dns_ms", FailureClass.PROXY_CONNECT if is_proxy else FailureClass.DNS):
            try:
                found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
            except (OSError, UnicodeError) as error:
                if is_proxy:
                    said = f"the proxy's name {host} has no address: {_said(error)}"
                    raise ConnectError(FailureClass.PROXY_CONNECT, said) from None
                raise ConnectError(FailureClass.DNS, f"{host}: {_said(error)}") from None
        return [(family, address) for family, _, _, _, address in found]

    async def _tunnel(self, context: ssl.SSLContext | None) -> ByteStream:
        """An HTTP CONNECT tunnel; what the proxy answers is told as the proxy's."""
        route, endpoint = self.route, self.endpoint
        stream = await self._connect(route.host, route.port)
        with self._timed("connect_ms", FailureClass.PROXY_CONNECT):
            if route.scheme == "https":
                assert context is not None
                await self._start_tls(stream, context, route.host, hop=f"the proxy {route.address}")
            host = endpoint.host.partition("%")[0]
            target = f"[{host}]:{endpoint.port}" if ":" in host else f"{host}:{endpoint.port}"
            lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}", f"User-Agent: turnscope/{version()}"]
            if route.basic:
                lines.append(f"Proxy-Authorization: Basic {route.basic}")
            stream.write(("\r\n".join(lines) + "\r\n\r\n").encode())
            try:
                answer = await read_head(stream)
            except NotHttp as error:
                said = f"the proxy {route.address} did not open a tunnel: {error}"
                raise ConnectError(FailureClass.PROXY_CONNECT, said) from None
            if not 200 <= answer.status < 300:
                answer = await read_body(stream, answer)
                refusal = ConnectError(
                    FailureClass.PROXY_CONNECT,
                    f"the proxy {route.address} answered {answer.status} {answer.reason}".rstrip(),
                    status=answer.status,
                    body=answer.text,
                    remedy=_TUNNEL_REMEDIES.get(answer.status, ""),
                )
                refusal.received = answer.head + answer.body
                raise refusal
        return stream

    async def _socks(self) -> ByteStream:
        try:
            from python_socks import ProxyConnectionError, ProxyError, ProxyType
            from python_socks.async_.asyncio import Proxy
        except ImportError:
            raise ConnectError(FailureClass.PROXY_CONNECT, _NO_SOCKS, remedy=remedy(_SOCKS_PACKAGE)) from None
        route = self.route
        kind = ProxyType.SOCKS5 if route.scheme.startswith("socks5") else ProxyType.SOCKS4
        addresses = await self._resolve(route.host, route.port)
        failures = []
        with self._timed("connect_ms", FailureClass.PROXY_CONNECT):
            for _, address in addresses:
                self.address = _shown(address)
                proxy = Proxy(
                    kind,
                    str(address[0]),
                    route.port,
                    username=route.username or None,
                    password=route.password.reveal() or None,
                    rdns=route.scheme in ("socks5h", "socks4a"),
                )
                try:
                    own = await proxy.connect(self.endpoint.host, self.endpoint.port)
                    _, stream = await asyncio.get_running_loop().create_connection(ByteStream, sock=own)
                except ProxyConnectionError as error:
                    failures.append(f"{self.address}: {_said(error)}")
                except ProxyError as error:
                    said = f"the proxy {route.address} did not open a tunnel: {error}"
                    raise ConnectError(FailureClass.PROXY_CONNECT, said) from None
                except socket.gaierror as error:
                    raise ConnectError(FailureClass.DNS, f"{self.endpoint.host}: {_said(error)}") from None
                except (OSError, ValueError) as error:  # ValueError: a login or name that SOCKS cannot carry
                    said = f"the proxy {route.address} did not open a tunnel: {_said(error)}"
                    raise ConnectError(FailureClass.PROXY_CONNECT, said) from None
                else:
                    self._stream = stream
                    return stream
            said = f"the proxy {route.address} cannot be reached: {'; '.join(failures)}"
            raise ConnectError(FailureClass.PROXY_CONNECT, said)

    async def _start_tls(self, stream: ByteStream, context: ssl.SSLContext, host: str, hop: str = "") -> None:
        failure = FailureClass.PROXY_CONNECT if hop else FailureClass.TLS
        where = f"{hop}: " if hop else ""
        try:
            await stream.start_tls(context, host)
        except ssl.SSLCertVerificationError as error:
            raise ConnectError(
                failure, f"{where}the certificate is not trusted: {error.verify_message}"
            ) from None
        except ssl.SSLError as error:
            reason = (error.reason or str(error)).lower().replace("_", " ")
            if error.reason in (
                "WRONG_VERSION_NUMBER",
                "HTTP_REQUEST",
                "UNKNOWN_PROTOCOL",
                "RECORD_LAYER_FAILURE",
            ):
                reason = f"this port does not speak TLS ({reason})"
            raise ConnectError(failure, f"{where}{reason}") from None
        except OSError as error:
            raise ConnectError(failure, f"{where}the handshake was cut off: {_said(error)}") from None

    @contextmanager
    def _timed(self, stage: str, failure: FailureClass) -> Iterator[None]:
        began, self._stage = self._clock.elapsed(), failure
        try:
            yield
        finally:
            self.timings[stage] = round((self._clock.elapsed() - began) * 1000, 3)

    def _drop(self) -> None:
        if self._stream is not None:
            self._stream.close()


_TUNNEL_REMEDIES = {
    403: "The proxy forbids this host or port: have it allowed, or leave the proxy out with --no-proxy.",
    407: "Give the proxy's login: --via http://USER:PASSWORD@HOST:PORT, or the same in the proxy variable.",
}


def _numeric(host: str, port: int) -> list[tuple[socket.AddressFamily, Address]]:
    """An address written in digits needs no resolver; empty for a name."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return []
    return [(family, address) for family, _, _, _, address in found]


def _shown(address: Address) -> str:
    host, port = str(address[0]), address[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _said(error: Exception) -> str:
    if isinstance(error, TimeoutError) and not str(error):
        return "no answer"
    if isinstance(error, OSError) and error.errno and not isinstance(error, socket.gaierror):
        return os.strerror(error.errno)
    return str(getattr(error, "strerror", None) or str(error) or type(error).__name__)
