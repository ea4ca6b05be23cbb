"""From the base URL a person has to the address a socket needs; pure, nothing is dialled or looked up.

Its one rule: what is not understood stays byte for byte. Only the scheme is mapped, only the path's end is
completed; the query is never decoded, encoded or searched, because forwarding proxies keep whole URLs there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple
from urllib.parse import SplitResult, quote, unquote, urlsplit

from sessions.errors import SettingsError
from sessions.loopback import is_loopback
from sessions.secret import Secret

_SOCKET_SCHEME = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
_UNIX_SCHEME = {"unix": "ws", "http+unix": "ws", "https+unix": "wss", "ws+unix": "ws", "wss+unix": "wss"}
_HTTP_SCHEME = {"ws": "http", "wss": "https"}
_DEFAULT_PORT = {"ws": 80, "wss": 443}
_ROUTE = "responses"
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_.])?")
_UNWELCOME = re.compile(r"[\x00-\x20\x7f-\xa0\u2000-\u200f\u2028-\u202f\u2060\u3000\ufeff]")
_URL_SAFE = "".join(map(chr, range(0x21, 0x7F)))  # only what is not ASCII is ever encoded
_FOREIGN_ENDS = ("/chat/completions", "/completions", "/realtime", "/messages")


class Userinfo(NamedTuple):
    """Login found in a URL; it is used as Basic only where no key is configured."""

    username: str
    password: Secret


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the Responses socket is: its URL, the parts for dialling, and hints for a person."""

    url: str  #: ws or wss; no userinfo, no fragment
    http_url: str  #: the same over HTTP
    host: str  #: for dialling: no brackets, zone decoded
    port: int
    tls: bool
    target: str  #: the request target: path and query
    unix: str = ""  #: path of a unix socket, when the endpoint is one
    userinfo: Userinfo | None = field(default=None, repr=False)
    hints: tuple[str, ...] = ()

    @property
    def origin(self) -> str:
        """Scheme, host and port as HTTP writes them; a key never leaves it."""
        return self.http_url[: len(self.http_url) - len(self.target)]

    @property
    def authority(self) -> str:
        """The Host header's value: the port only where it is not the default, no zone."""
        host = self.host.partition("%")[0]
        shown = f"[{host}]" if ":" in host else host
        return shown if self.port == _DEFAULT_PORT["wss" if self.tls else "ws"] else f"{shown}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether the address cannot leave this machine."""
        return bool(self.unix) or is_loopback(self.host)

    @property
    def has_model(self) -> bool:
        """Whether the query already carries a `model` parameter."""
        query = self.target.partition("?")[2]
        return any(pair.partition("=")[0] == "model" for pair in query.split("&"))


def derive(base_url: str, *, exact: bool = False, query: Iterable[tuple[str, str]] = ()) -> Endpoint:
    """The endpoint of a base URL, `/responses` appended unless `exact`; extra query pairs go to its end.

    Raises SettingsError that says what is wrong and what would be right.
    """
    text = base_url.strip()
    if not text:
        raise SettingsError("the base URL is empty; give one such as https://api.openai.com/v1")
    if found := _UNWELCOME.search(text):
        raise SettingsError(
            f"the base URL has {_named(found[0])} at character {found.start() + 1}; remove it, or write it "
            f"as {quote(found[0])}"
        )
    if "://" not in text:
        scheme = "http" if is_loopback(text.partition("/")[0].partition(":")[0].lower()) else "https"
        raise SettingsError(
            f"the base URL {_shown(text)} has no scheme; did you mean {scheme}://{_shown(text)}?"
        )
    try:
        parts = urlsplit(text)
        port = parts.port if parts.scheme in _SOCKET_SCHEME else None
    except ValueError as error:
        raise SettingsError(f"the base URL {_shown(text)} cannot be read: {error}") from None
    if parts.scheme in _UNIX_SCHEME:
        return _unix_endpoint(parts, query)
    if parts.scheme not in _SOCKET_SCHEME:
        raise SettingsError(
            f"the base URL's scheme {parts.scheme!r} is not supported; use http, https, ws, wss, or unix:///FILE"
        )
    scheme = _SOCKET_SCHEME[parts.scheme]
    host = _host(parts, text)
    if port == 0:
        raise SettingsError(f"the base URL {_shown(text)} names port 0; a port is between 1 and 65535")
    target = _target(parts, exact=exact, query=query)
    shown = f"[{host}]" if ":" in host else host
    dialled = unquote(host) if ":" in host else host
    authority = shown if port in (None, _DEFAULT_PORT[scheme]) else f"{shown}:{port}"
    return Endpoint(
        url=f"{scheme}://{authority}{target}",
        http_url=f"{_HTTP_SCHEME[scheme]}://{authority}{target}",
        host=dialled,
        port=port or _DEFAULT_PORT[scheme],
        tls=scheme == "wss",
        target=target,
        userinfo=_userinfo(parts),
        hints=_hints(parts, host, scheme, exact=exact),
    )


def with_query(endpoint: Endpoint, name: str, value: str) -> Endpoint:
    """The same endpoint with one more query parameter at its end."""
    tail = f"{'&' if '?' in endpoint.target else '?'}{quote(name, safe='')}={quote(value, safe='')}"
    return replace(
        endpoint,
        url=endpoint.url + tail,
        http_url=endpoint.http_url + tail,
        target=endpoint.target + tail,
    )


def _unix_endpoint(parts: SplitResult, query: Iterable[tuple[str, str]]) -> Endpoint:
    scheme = _UNIX_SCHEME[parts.scheme]
    if parts.scheme == "unix":
        file, path = unquote(parts.path), "/v1"
        if parts.netloc:
            raise SettingsError(f"a unix socket needs three slashes: unix:///{parts.netloc}{parts.path}")
    else:
        file, path = unquote(parts.netloc), parts.path
    if not file.startswith("/"):
        raise SettingsError(
            "the base URL names no socket file; write unix:///run/x.sock or http+unix://%2Frun%2Fx.sock/v1"
        )
    target = _target(parts._replace(path=path), exact=False, query=query)
    return Endpoint(
        url=f"{scheme}://localhost{target}",
        http_url=f"{_HTTP_SCHEME[scheme]}://localhost{target}",
        host="localhost",
        port=_DEFAULT_PORT[scheme],
        tls=scheme == "wss",
        target=target,
        unix=file,
    )


def _host(parts: SplitResult, text: str) -> str:
    host = parts.hostname
    if not host:
        raise SettingsError(f"the base URL {_shown(text)} has no host; write it as in https://HOST/v1")
    if ":" in host:
        return host
    if not host.isascii():
        try:
            host = host.encode("idna").decode()
        except UnicodeError as error:
            raise SettingsError(f"the host {host!r} is not a valid name: {error}") from None
    if _NAME.fullmatch(host) is None:
        raise SettingsError(f"the host {host!r} is not a valid name")
    return host


def _userinfo(parts: SplitResult) -> Userinfo | None:
    if parts.username is None:
        return None
    return Userinfo(unquote(parts.username), Secret(unquote(parts.password or "")))


def _target(parts: SplitResult, *, exact: bool, query: Iterable[tuple[str, str]]) -> str:
    path = quote(parts.path, safe=_URL_SAFE)
    if not exact:
        path = path.rstrip("/")
        if path.rpartition("/")[2] != _ROUTE:
            path = f"{path}/{_ROUTE}"
    pairs = [quote(parts.query, safe=_URL_SAFE)] if parts.query else []
    pairs += [f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query]
    return (path or "/") + ("?" + "&".join(pairs) if pairs else "")


def _hints(parts: SplitResult, host: str, scheme: str, *, exact: bool) -> tuple[str, ...]:
    hints: list[str] = []
    path = parts.path.rstrip("/")
    if not path:
        hints.append("maybe /v1 is missing at the end of the base URL")
    for end in _FOREIGN_ENDS:
        if path.endswith(end) and not exact:
            hints.append(f"a base URL usually ends in /v1, before {end}")
            break
    if parts.query and "://" in unquote(parts.query) and not exact:
        hints.append(
            "the query holds an address of its own; if this forwards, give it with --url to append nothing"
        )
    if host.endswith(".openai.azure.com") and re.search(r"(^|&)api-version=", parts.query):
        hints.append("Azure's WebSocket route takes no api-version; leave it out")
    if host == "gateway.ai.cloudflare.com":
        hints.append("Cloudflare AI Gateway speaks an envelope of its own over WebSocket, not this protocol")
    if parts.fragment:
        hints.append("the fragment after # is never sent and was dropped")
    if scheme == "ws" and not is_loopback(unquote(host)):
        hints.append("this address is not encrypted; a key would travel in the clear")
    return tuple(hints)


def _named(character: str) -> str:
    names = {" ": "a space", "\t": "a tab", "\n": "a line break", "\r": "a line break"}
    return names.get(character, f"an invisible character (U+{ord(character):04X})")


def _shown(text: str) -> str:
    """A URL for an error message: without its login."""
    return re.sub(r"(?<=://)[^/?#]*@|^[^/?#:]*:[^/?#@]*@", "", text)
