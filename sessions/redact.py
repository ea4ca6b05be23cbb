"""Credentials out, before anything is stored or shown; and a receipt of what was masked.

In headers, URLs and subprotocols every credential goes. In payloads only exact secrets that we know and the
`authorization` and `headers` of MCP tools. Redaction is idempotent: masked text masks to itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

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
_JSON_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[{}\[\]:,]', re.DOTALL)


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


def text(value: str, secrets: Iterable[str] = (), *, where: str = "text") -> Redacted:
    """Text without the given secrets and without key-shaped words: messages, headers, bodies of refusals."""
    clean = value
    for secret in sorted((s for s in secrets if len(s) >= 4), key=len, reverse=True):
        clean = clean.replace(secret, MASK)
    clean = _KEY_SHAPED.sub(MASK, clean)
    return Redacted(clean, (where,) if clean != value else ())


def payload(value: bytes, secrets: Iterable[str] = ()) -> RedactedBytes:
    """A message without the given exact secrets and without MCP credentials; every other byte stays."""
    masked: list[str] = []
    clean = value
    for secret in sorted((s for s in secrets if len(s) >= 8), key=len, reverse=True):
        raw = secret.encode()
        if raw in clean:
            clean = clean.replace(raw, MASK.encode())
            masked.append("key")
    if b'"mcp"' in clean and (b'"authorization"' in clean or b'"headers"' in clean):
        clean, what = _mcp(clean)
        masked.extend(what)
    return RedactedBytes(clean, tuple(dict.fromkeys(masked)))


class _Object:
    """One JSON object while it is read: the strings that would be credentials if it is an MCP tool."""

    __slots__ = ("expects_value", "is_headers", "is_mcp", "key", "spans")

    def __init__(self, *, is_headers: bool = False) -> None:
        self.key = b""
        self.expects_value = False
        self.is_headers = is_headers
        self.is_mcp = False
        self.spans: list[tuple[int, int, str]] = []


def _mcp(value: bytes) -> tuple[bytes, list[str]]:
    """Mask `authorization` and the values of `headers` of every object of type mcp, and nothing else."""
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
        elif top.is_headers:
            top.spans.append((start + 1, end - 1, "mcp headers"))
        elif top.key == b'"authorization"':
            top.spans.append((start + 1, end - 1, "mcp authorization"))
    if not found:
        return value, []
    out = bytearray(value)
    masked: list[str] = []
    for start, end, what in sorted(found, reverse=True):
        if end > start and out[start:end] != MASK.encode():
            out[start:end] = MASK.encode()
            masked.append(what)
    return bytes(out), masked[::-1]


#: ids that name a person's account and are hidden on every screen and picture, though not in the recording
_ACCOUNT = re.compile(r"\b(org|proj|user|acct|account)[-_](?=[a-z]*[A-Z0-9])[A-Za-z0-9]{6,}")


def screen(value: str) -> str:
    """Text as a screen may show it: without key-shaped words, organisation, project, user and account ids."""
    return _ACCOUNT.sub(lambda found: f"{found[1]}-{MASK}", _KEY_SHAPED.sub(MASK, value))


def hidden_spans(value: str) -> tuple[tuple[int, int], ...]:
    """Where `screen` hides something in this text: start and end of each place, ascending."""
    found = [match.span() for pattern in (_KEY_SHAPED, _ACCOUNT) for match in pattern.finditer(value)]
    return tuple(sorted(found))
