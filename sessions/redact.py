"""Credentials out, before anything is stored or shown; and a receipt of what was masked.

In headers, URLs and subprotocols every credential goes. In payloads only exact secrets that we know and the
`authorization` and `headers` of MCP tools. Redaction is idempotent: masked text masks to itself.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import unquote, unquote_plus

MASK = "***"

_SECRET_HEADERS = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "api-key",
        "x-api-key",
        "cf-aig-authorization",
        "x-oai-attestation",
        "openai-organization",
        "openai-project",
        "chatgpt-account-id",
        "x-codex-turn-state",
    }
)
#: part of the name of a header or query parameter whose value is a credential; `tokens` are counted, not kept
_SECRET_NAME = re.compile(
    r"(?i)(api[-_]?key|subscription[-_]?key|session[-_]?key|token(?!s)|secret|passw(?:or)?d|credential|signature"
    r"|authorization|(?:^|[-_])auth(?:entication)?$|(?:^|[-_])jwt(?:$|[-_])|^key$|^sig$|^code$)"
)
_SCHEME = re.compile(r"(?i)(bearer|basic|digest|negotiate|token|aws4-hmac-sha256)(\s+)\S")
_KEY_SHAPED = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:sk|pk|rk|xai|gsk|vck|gh[pousr]|github_pat)[-_][A-Za-z0-9_-]{10,}"
    r"|(?:org|proj)[-_](?=[a-z_-]*[A-Z0-9])[A-Za-z0-9_-]{10,}"
    r"|AIza[A-Za-z0-9_-]{20,}"
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*)"  # a JSON web token
)
_QUERY_PAIR = re.compile(r"(?<=[?&])([^=&#\s]+)=([^&#\s]+)")
_USERINFO = re.compile(r"(?i)(\b[a-z][a-z0-9+.-]*://)([^/?#\s]+)@")  # up to the last @, as URLs are read
_PROTOCOL_KEY = re.compile(r"(?i)(openai-insecure-api-key\.|bearer\.)([^,\s]+)")
#: strings and structure of JSON; possessive, so that no text makes it look back
_JSON_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[{}\[\]:,]', re.DOTALL)
#: they name an account and give no access, so only their header is masked, not every place that says the same
ACCOUNT_HEADERS = frozenset(
    {
        "openai-organization",
        "openai-project",
        "chatgpt-account-id",
        "x-codex-turn-state",
        "x-oai-attestation",
    }
)
_SHORTEST = 8  # characters of a credential that is looked for everywhere; a shorter one would hide words
_SHORTEST_COOKIE = 16
_SHORTEST_START = 6  # bytes of a secret at the end of something that was cut


class Redacted(NamedTuple):
    """Text or bytes without credentials, and the names of what was masked."""

    value: str
    masked: tuple[str, ...]


class RedactedBytes(NamedTuple):
    """A payload without credentials, and the names of what was masked."""

    value: bytes
    masked: tuple[str, ...]


def mask(secret: str) -> str:
    """What stands for a secret: three stars, with no part of it."""
    return MASK if secret else ""


def header(name: str, value: str, secrets: Iterable[str] = ()) -> Redacted:
    """A header's value without credentials; the scheme of an Authorization header stays."""
    lower = name.lower()
    if lower in _SECRET_HEADERS or _SECRET_NAME.search(lower):
        scheme = _SCHEME.match(value) if "authorization" in lower else None
        masked = f"{scheme[1]} {MASK}" if scheme else MASK if value else ""
        return Redacted(masked, (lower,) if masked != value else ())
    if lower == "sec-websocket-protocol":
        hidden = _PROTOCOL_KEY.sub(lambda found: found[1] + MASK, value)
        return Redacted(hidden, (lower,) if hidden != value else ())
    if lower in ("location", "referer", "origin"):
        return url(value, secrets)
    return text(value, secrets, where=lower)


def headers(
    pairs: Iterable[tuple[str, str]], secrets: Iterable[str] = ()
) -> tuple[list[tuple[str, str]], tuple[str, ...]]:
    """Header pairs without credentials, in their order, and the names of what was masked."""
    out: list[tuple[str, str]] = []
    masked: list[str] = []
    for name, value in pairs:
        clean, what = header(name, value, secrets)
        out.append((name, clean))
        masked.extend(what)
    return out, tuple(dict.fromkeys(masked))


def url(value: str, secrets: Iterable[str] = ()) -> Redacted:
    """A URL without userinfo, without the values of secret query parameters, without key-shaped text."""
    masked: list[str] = []

    def userinfo(found: re.Match[str]) -> str:
        if found[2] != MASK:
            masked.append("userinfo")
        return f"{found[1]}{MASK}@"

    def pair(found: re.Match[str]) -> str:
        if _SECRET_NAME.search(found[1]):
            if found[2] != MASK:
                masked.append(f"query {found[1]}")
            return f"{found[1]}={MASK}"
        return found[0]

    clean = _QUERY_PAIR.sub(pair, _USERINFO.sub(userinfo, value))
    rest = text(clean, secrets, where="url")
    return Redacted(rest.value, tuple(dict.fromkeys([*masked, *rest.masked])))


def credentials(head: str) -> tuple[str, ...]:
    """The exact credentials that the head of a request holds, so that no echo of them is stored either.

    Of a scheme and a key only the key, of Basic also what it encodes, of cookies each value; in the target
    the login and the values of secret query parameters, as they are and decoded.
    """
    line, *lines = head.replace("\r\n", "\n").split("\n")  # not splitlines: it knows more ends than HTTP does
    found = _in_target(line)
    for one in lines:
        name, _, value = one.partition(":")
        lower, value = name.strip().lower(), value.strip()
        if lower == "cookie":
            pairs = (pair.partition("=")[2].strip() for pair in value.split(";"))
            found += [pair for pair in pairs if len(pair) >= _SHORTEST_COOKIE]
        elif lower == "sec-websocket-protocol":
            found += [match[2] for match in _PROTOCOL_KEY.finditer(value)]
        elif lower not in ACCOUNT_HEADERS and (lower in _SECRET_HEADERS or _SECRET_NAME.search(lower)):
            scheme = _SCHEME.match(value)
            key = value[scheme.end(2) :] if scheme else value
            found += [key, *(_decoded_login(key) if scheme and scheme[1].lower() == "basic" else ())]
    # a JSON text may write a slash with a backslash before it
    found += [one.replace("/", "\\/") for one in found if "/" in one]
    return tuple(dict.fromkeys(one for one in found if len(one) >= _SHORTEST and one != MASK))


def in_query(target: str) -> tuple[str, ...]:
    """The values of secret parameters in the query of a URL or target, as they are and decoded."""
    values = [match[2] for match in _QUERY_PAIR.finditer(target) if _SECRET_NAME.search(match[1])]
    return tuple(dict.fromkeys([*values, *map(unquote_plus, values)]))


def _in_target(line: str) -> list[str]:
    logins = [match[2].partition(":")[2] or match[2] for match in _USERINFO.finditer(line)]
    return [*logins, *map(unquote, logins), *in_query(line)]


def _decoded_login(key: str) -> tuple[str, ...]:
    try:
        login = b64decode(key, validate=True).decode()
    except ValueError:
        return ()
    return login, login.partition(":")[2]


def text(value: str, secrets: Iterable[str] = (), *, where: str = "text") -> Redacted:
    """Text without the given secrets and without key-shaped words: messages, headers, bodies of refusals."""
    clean = value
    for secret in sorted((s for s in secrets if len(s) >= 4), key=len, reverse=True):
        clean = clean.replace(secret, MASK)
    clean = _KEY_SHAPED.sub(MASK, clean)
    return Redacted(clean, (where,) if clean != value else ())


def payload(value: bytes, secrets: Iterable[str] = (), *, is_cut: bool = False) -> RedactedBytes:
    """A message without the given exact secrets and without MCP credentials; every other byte stays.

    Of one that `is_cut` the beginning of a secret at its end goes, too, and what may be an MCP credential
    in an object whose end, which may hold its type, did not come.
    """
    masked: list[str] = []
    clean = value
    raws = [s.encode() for s in sorted((s for s in secrets if len(s) >= _SHORTEST), key=len, reverse=True)]
    for raw in raws:
        if raw in clean:
            clean = clean.replace(raw, MASK.encode())
            masked.append("key")
    if is_cut and (begun := max((_begun(clean, raw) for raw in raws), default=0)):
        clean = clean[:-begun] + MASK.encode()
        masked.append("key")
    if (is_cut or b'"mcp"' in clean) and (b'"authorization"' in clean or b'"headers"' in clean):
        clean, what = _mcp(clean, is_cut=is_cut)
        masked.extend(what)
    return RedactedBytes(clean, tuple(dict.fromkeys(masked)))


def _begun(value: bytes, secret: bytes) -> int:
    """How many bytes at the end are the beginning of a secret; 0 for a few, which may be a word."""
    for count in range(min(len(secret) - 1, len(value)), _SHORTEST_START - 1, -1):
        if value.endswith(secret[:count]):
            return count
    return 0


class _Object:
    """One JSON object while it is read: the strings that would be credentials if it is an MCP tool."""

    __slots__ = ("expects_value", "has_type", "is_headers", "is_mcp", "key", "spans")

    def __init__(self, *, is_headers: bool = False) -> None:
        self.key = b""
        self.expects_value = False
        self.is_headers = is_headers
        self.is_mcp = False
        self.has_type = False
        self.spans: list[tuple[int, int, str]] = []


def _mcp(value: bytes, *, is_cut: bool) -> tuple[bytes, list[str]]:
    """Mask `authorization` and the values of `headers` of every object of type mcp, and nothing else.

    Of a text that is cut also those of objects that may have been going to be of this type.
    """
    found: list[tuple[int, int, str]] = []
    stack: list[_Object | None] = []  # None: a list
    for token in _JSON_TOKEN.finditer(value):
        start, end = token.span()
        mark = value[start : start + 1]
        top = stack[-1] if stack else None
        if mark == b"{":
            is_headers = top is not None and top.expects_value and top.key == b'"headers"'
            stack.append(_Object(is_headers=is_headers))
        elif mark == b"[":
            stack.append(None)
        elif mark in b"}]":
            closed = stack.pop() if stack else None
            outer = stack[-1] if stack else None
            if closed is not None and closed.is_mcp:
                found += closed.spans
            if closed is not None and closed.is_headers and outer is not None:
                outer.spans += closed.spans
        elif top is None:
            continue
        elif mark == b":":
            top.expects_value = True
        elif mark == b",":
            top.expects_value = False
        elif not top.expects_value:
            top.key = value[start:end]
        elif top.key == b'"type"':
            top.is_mcp = value[start:end] == b'"mcp"'
            top.has_type = True
        elif top.is_headers:
            top.spans.append((start + 1, _inner_end(value, start, end), "mcp headers"))
        elif top.key == b'"authorization"':
            top.spans.append((start + 1, _inner_end(value, start, end), "mcp authorization"))
    if is_cut:
        found += _unfinished(stack)
    if not found:
        return value, []
    out = bytearray(value)
    masked: list[str] = []
    for start, end, what in sorted(found, reverse=True):
        if end > start and out[start:end] != MASK.encode():
            out[start:end] = MASK.encode()
            masked.append(what)
    return bytes(out), masked[::-1]


def _unfinished(stack: list[_Object | None]) -> list[tuple[int, int, str]]:
    """What may be a credential in objects that were never closed."""
    found: list[tuple[int, int, str]] = []
    while stack:
        left = stack.pop()
        outer = stack[-1] if stack else None
        if left is not None and left.is_headers and outer is not None:
            outer.spans += left.spans
        elif left is not None and (left.is_mcp or not left.has_type):
            found += left.spans
    return found


def _inner_end(value: bytes, start: int, end: int) -> int:
    """Where the text of a string ends; one that was cut has no second quote."""
    return end - 1 if end - start > 1 and value[end - 1 : end] == b'"' else end


#: ids that name a person's account and are hidden on every screen and picture, though not in the recording
_ACCOUNT = re.compile(r"\b(org|proj|user|acct|account)[-_](?=[a-z]*[A-Z0-9])[A-Za-z0-9]{6,}")


def screen(value: str) -> str:
    """Text as a screen may show it: without key-shaped words, organisation, project, user and account ids."""
    return _ACCOUNT.sub(lambda found: f"{found[1]}-{MASK}", _KEY_SHAPED.sub(MASK, value))


def hidden_spans(value: str) -> tuple[tuple[int, int], ...]:
    """Where `screen` hides something in this text: start and end of each place, ascending."""
    found = [match.span() for pattern in (_KEY_SHAPED, _ACCOUNT) for match in pattern.finditer(value)]
    return tuple(sorted(found))
