"""Which way a connection takes: straight, or through a proxy; decided from values alone, nothing is opened.

Its one rule: the route can always be told in words, with the variable or flag that chose it, and never with
the proxy's login.
"""

from __future__ import annotations

import ipaddress
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from sessions.errors import SettingsError
from sessions.secret import NO_SECRET, Secret
from sessions.wire.endpoint import Endpoint

_DEFAULT_PORT = {"http": 80, "https": 443, "socks4": 1080, "socks4a": 1080, "socks5": 1080, "socks5h": 1080}


@dataclass(frozen=True, slots=True)
class Route:
    """Straight to the endpoint when `scheme` is empty, otherwise through the proxy that stands here."""

    source: str = ""  #: what chose it: a variable's name, a flag, or why no proxy applies
    scheme: str = ""  #: http, https (a proxy spoken to over TLS), socks4, socks4a, socks5, socks5h
    host: str = ""
    port: int = 0
    username: str = ""
    password: Secret = NO_SECRET

    @property
    def is_direct(self) -> bool:
        """Whether no proxy stands between."""
        return not self.scheme

    @property
    def address(self) -> str:
        """Scheme, host and port of the proxy, without its login; empty when there is none."""
        if not self.scheme:
            return ""
        return f"{self.scheme}://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @property
    def basic(self) -> str:
        """The proxy's login as Basic authentication wants it, empty when there is none: a secret."""
        if not (self.username or self.password):
            return ""
        return b64encode(f"{self.username}:{self.password.reveal()}".encode()).decode()

    @property
    def text(self) -> str:
        """The route in words, as every face shows it."""
        return f"via {self.address} ({self.source})" if self.scheme else "direct"


DIRECT = Route()


def route_for(
    endpoint: Endpoint,
    environ: Mapping[str, str],
    via: str = "",
    no_proxy: bool = False,
    source: str = "--via",
) -> Route:
    """The route to an endpoint: `--no-proxy`, then `--via`, then loopback, NO_PROXY and the proxy variables.

    wss takes HTTPS_PROXY, ws takes HTTP_PROXY, both fall back to ALL_PROXY; lower case wins, as in curl.
    Raises SettingsError when a proxy's address cannot be read.
    """
    if endpoint.unix:
        return Route(source="a unix socket")
    if no_proxy:
        return Route(source="--no-proxy")
    if via:
        return parse_proxy(via, source)
    if endpoint.is_loopback:
        return Route(source="loopback is dialled without a proxy")
    wanted = ("https_proxy", "all_proxy") if endpoint.tls else ("http_proxy", "all_proxy")
    for name in (spelling for lower in wanted for spelling in (lower, lower.upper())):
        if address := environ.get(name, "").strip():
            exceptions = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
            if rule := bypass_rule(endpoint.host, endpoint.port, exceptions):
                return Route(source=f"NO_PROXY has {rule}")
            return parse_proxy(address, name)
    return Route(source="no proxy is set")


def parse_proxy(address: str, source: str) -> Route:
    """The route through a proxy's URL; an address without a scheme is an HTTP proxy.

    Raises SettingsError, which names where the address came from but never shows its login.
    """
    text = address.strip()
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        port = parts.port
        host = parts.hostname or ""
    except ValueError as error:
        raise SettingsError(f"the proxy address in {source} cannot be read: {error}", key=source) from None
    if parts.scheme not in _DEFAULT_PORT:
        known = ", ".join(_DEFAULT_PORT)
        raise SettingsError(
            f"the proxy address in {source} has the scheme {parts.scheme!r}; use {known}", key=source
        )
    if not host or any(character.isspace() for character in text):
        raise SettingsError(f"the proxy address in {source} has no host; write http://HOST:PORT", key=source)
    return Route(
        source=source,
        scheme=parts.scheme,
        host=host,
        port=port or _DEFAULT_PORT[parts.scheme],
        username=unquote(parts.username or ""),
        password=Secret(unquote(parts.password or "")),
    )


def bypass_rule(host: str, port: int, no_proxy: str) -> str:
    """The entry of a NO_PROXY list that takes this host past the proxy; empty when none does.

    Entries are `*`, a name (with its subdomains), an address, a network such as 10.0.0.0/8, each also as
    HOST:PORT.
    """
    host = host.partition("%")[0].lower().rstrip(".")
    for entry in no_proxy.replace(",", " ").split():
        if entry == "*" or _covers(entry.lower(), host, port):
            return entry
    return ""


def _covers(entry: str, host: str, port: int) -> bool:
    name, colon, tail = entry.rpartition(":")
    if colon and tail.isdigit() and (":" not in name or name.startswith("[")):
        if int(tail) != port:
            return False
        entry = name
    entry = entry.strip("[]")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        domain = entry.removeprefix("*").strip(".")
        return bool(domain) and (host == domain or host.endswith(f".{domain}"))
    try:
        return address in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False
